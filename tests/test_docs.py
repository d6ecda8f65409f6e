"""Documents name files, modules and links that exist."""

import importlib
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("examples/**/*.md")]
)
FILE = re.compile(
    r"`([\w.@][\w.@/-]*\.(?:py|js|css|html|sh|toml|lock|yaml|conf|service|timer|R|po))`"
)
TEST = re.compile(r"`(test_\w+)`")
FOLDER = re.compile(r"`([a-z_][\w/-]*/)`")
MODULE = re.compile(r"`(survey(?:\.[A-Za-z_]\w*)+)`")
DEFINED = re.compile(r"^ *def (test_\w+)", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
NOT_OURS = frozenset({"survey.lonely.psu", "fuzz-found/"})
"""An option of R, and a folder that the long run of the fuzzer makes."""
EXAMPLE = ("confidence.py", "notices.py")
"""What docs/adding-a-page.md and docs/adding-a-register.md add."""


@cache
def tracked_paths() -> frozenset[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return frozenset("/" + name for name in listed.stdout.splitlines())


@cache
def known_tests() -> frozenset[str]:
    """Names of test modules, and of the tests in them."""
    sources = list((ROOT / "tests").rglob("test_*.py"))
    defined = {
        name for path in sources for name in DEFINED.findall(path.read_text(encoding="utf-8"))
    }
    return frozenset(defined | {path.stem for path in sources})


def resolves(dotted: str) -> bool:
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            if not hasattr(value, name):
                return False
            value = getattr(value, name)
        return True
    return False


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_names_is_there(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    paths = tracked_paths()
    files = {path.rpartition("/")[2] for path in paths}
    missing = {
        name for name in FILE.findall(text) if not any(p.endswith("/" + name) for p in paths)
    }
    missing |= {name for name in FOLDER.findall(text) if not any("/" + name in p for p in paths)}
    missing |= {name for name in MODULE.findall(text) if not (name in files or resolves(name))}
    missing |= set(TEST.findall(text)) - known_tests()
    missing |= {name for name in LINK.findall(text) if not (document.parent / name).exists()}
    assert {name for name in missing - NOT_OURS if not name.endswith(EXAMPLE)} == set()
