"""The pages of the public site before the validator that the web's own standards body runs (Nu)."""

import shutil
import subprocess
from pathlib import Path

import pytest

from survey.settings import PROJECT_ROOT
from tests.publish.publications.register_steps import WAVE

_MODULES = PROJECT_ROOT / ".venv" / "javascript" / "node_modules"
VALIDATOR = _MODULES / "vnu-jar" / "build" / "dist" / "vnu.jar"
CITY = "320500"
PAGES = (
    "", "verify/", "accessibility/", f"{WAVE}/", f"{WAVE}/topics/", f"{WAVE}/{CITY}/",
    f"{WAVE}/charts/cities/", f"{WAVE}/tables/cities/",
)  # fmt: skip

pytestmark = pytest.mark.slow


def find_errors(*pages: Path) -> str:
    """What the validator says against the pages; nothing of one that is valid."""
    if shutil.which("java") is None or not VALIDATOR.exists():
        pytest.skip("NO JAVA OR NO HTML VALIDATOR: the public pages are NOT validated")
    done = subprocess.run(
        ["java", "-jar", VALIDATOR, "--errors-only", "--also-check-svg", *pages],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode != 0) == bool(done.stderr), done.stdout
    return done.stderr


def test_every_kind_of_page_is_valid_html(site: Path, tmp_path: Path) -> None:
    pages = [site / language / page / "index.html" for language in ("", "en") for page in PAGES]
    assert find_errors(*pages, site / WAVE / "charts" / "cities.svg") == ""
    twice = tmp_path / "index.html"
    twice.write_text(pages[0].read_text("utf-8").replace("<main ", '<p id="content">x</p><main '))
    assert "Duplicate ID" in find_errors(twice)
