"""No key, token or password lies in the repository; what only looks like one is named here."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAX_SCANNED_BYTES = 2_000_000
PATTERNS = {
    "private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY",
    "key of a cloud": r"\b(?:AKIA|ASIA|LTAI|AIza)[0-9A-Za-z_\-]{12,}",
    "token of a code host": r"\b(?:gh[pousr]_[0-9A-Za-z]{20,}|glpat-[0-9A-Za-z_\-]{16,})",
    "token of a chat": r"\bxox[abprs]-[0-9A-Za-z\-]{10,}",
    "key of an API": r"\bsk-(?:[a-z]+-)?[0-9A-Za-z_\-]{20,}",
    "web token": r"\beyJ[0-9A-Za-z_\-]{10,}\.eyJ[0-9A-Za-z_\-]{10,}\.",
    "Fernet key": r"(?<![0-9A-Za-z_\-])[0-9A-Za-z_\-]{43}=(?![0-9A-Za-z_\-=])",
    "password in an address": r"\b[a-z][a-z0-9+]{2,}://[^\s/:@'\"<>{}$]+:[^\s/@'\"<>{}$]{3,}@",
    "assigned secret": (
        r"(?i)\b[\w.]*(?:password|passwd|secret|api_?key|phone_key)\b\s*[:=]\s*"
        r"['\"][0-9A-Za-z_\-+/=]{16,}['\"]"
    ),
}
HARMLESS = frozenset(
    {
        "postgresql://survey:secret@", "postgresql://survey:password@",
        "postgresql://survey:CHANGE-ME@", "postgresql://survey:hunter2@", "hdfs://guest:secret@",
    }
)  # fmt: skip
"""Examples in documents, and what tests take out of logs."""


def tracked() -> list[Path]:
    """What git would commit; without git, whatever lies here but is not made."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("no git repository here")
    names = [name for name in listed.stdout.decode().split("\0") if name]
    return [path for name in names if (path := ROOT / name).is_file()]


def findings(text: str) -> list[tuple[str, str]]:
    return [
        (what, match[0])
        for what, pattern in PATTERNS.items()
        for match in re.finditer(pattern, text)
        if match[0] not in HARMLESS
    ]


def test_no_file_holds_what_looks_like_a_secret() -> None:
    by_file: dict[str, list[tuple[str, str]]] = {}
    files = tracked()
    assert len(files) > 300
    for path in files:
        if path == Path(__file__) or path.stat().st_size > MAX_SCANNED_BYTES:
            continue
        hits = findings(path.read_bytes().decode("utf-8", "ignore"))
        if hits:
            by_file[path.relative_to(ROOT).as_posix()] = hits
    assert by_file == {}


def test_no_file_of_settings_is_committed() -> None:
    names = {path.name for path in tracked()}
    assert not {".env", "secrets.toml", "phone.key", "id_rsa", "id_ed25519"} & names


@pytest.mark.parametrize(
    "sample",
    [
        "-----BEGIN RSA PRIVATE" + " KEY-----",
        "AKIA" + "A1B2C3D4E5F6G7H8",
        "ghp_" + "a1" * 18,
        "SURVEY_PHONE_KEY=" + "b" * 43 + "=",
        "postgresql://survey:hunter22" + "@db/survey",
        'password = "' + "x" * 20 + '"',
        "eyJ" + "a" * 12 + ".eyJ" + "b" * 12 + ".c",
    ],
)
def test_the_search_finds_what_it_should(sample: str) -> None:
    assert findings(sample)
