"""Known vulnerabilities in what is locked, by pip-audit, at most once a day and never in the way.

Run by `make check`. Without a way to the advisories (a machine without a network, a mirror that
has none) it says so, loudly, and passes: that nothing was found is then not known. A vulnerability
that was found fails the check. `--now` asks again although today's answer is there.
"""

import hashlib
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")
STAMP = ROOT / ".venv" / ".audited"
PATIENCE = 60
"""Seconds for all packages."""
VULNERABLE = 1
FOUND = "known vulnerabilit"
"""pip-audit ends with 1 for a vulnerability and for a network that is away; its words tell."""


def today() -> str:
    """What today's answer is about: the day and the very files."""
    seen = hashlib.sha256(b"".join((ROOT / lock).read_bytes() for lock in LOCKS))
    return f"{datetime.now(UTC):%Y-%m-%d} {seen.hexdigest()}"


def ask() -> tuple[int, str]:
    """pip-audit's exit code and words; the code is negative when there was no answer."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--no-deps",
               "--progress-spinner", "off", "--timeout", "5"]  # fmt: skip
    for lock in LOCKS:
        command += ["--requirement", str(ROOT / lock)]
    try:
        done = subprocess.run(
            command, cwd=ROOT, timeout=PATIENCE, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired:
        return -1, f"no answer within {PATIENCE} seconds"
    words = (done.stdout + done.stderr).strip()
    if done.returncode == 0 or (done.returncode == VULNERABLE and FOUND in words.lower()):
        return done.returncode, words
    return -1, words.splitlines()[-1] if words else "no answer"


def main(arguments: list[str]) -> int:
    if "--now" not in arguments and STAMP.exists() and STAMP.read_text() == today():
        return 0
    code, words = ask()
    if code < 0:
        sys.stderr.write(
            "DEPENDENCIES WERE NOT AUDITED: the advisories cannot be reached.\n"
            f"({words[:200]}) Run `make audit` with a network.\n"
        )
        return 0
    if code == 0:
        STAMP.write_text(today())
    else:
        sys.stderr.write(f"{words}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
