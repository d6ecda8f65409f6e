"""Results whose files were changed by hand are computed again, and the command says so first."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from survey.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture
def demo_folder(frozen_pair: Path, tmp_path: Path) -> Path:
    """Demo data with two frozen waves where `survey demo` expects them."""
    folder = tmp_path / "data" / "demo"
    shutil.copytree(frozen_pair, folder)
    Settings(data_dir=folder, database_url="").demo_marker.write_text("{}")
    return folder


def change_method_by_hand(folder: Path) -> Path:
    (path,) = folder.glob("snapshots/main-2024/*/method.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 1}))
    return path


def test_demo_and_recompute_say_which_files_they_replace(
    survey: Callable[..., Result], demo_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As the pair was frozen: another budget of the audit hides other cells.
    monkeypatch.setenv("SURVEY_AUDIT_SECONDS", "0")
    path = change_method_by_hand(demo_folder)
    sealed = json.loads((path.parent / "manifest.json").read_text())["files"]
    result = survey("demo")
    assert result.exit_code == 0, result.output
    warning, computing = "in the results of main-2024 were changed after", "Computing the results"
    assert "method.json" in result.output
    assert 0 < result.output.index(warning) < result.output.index(computing)
    assert json.loads((path.parent / "manifest.json").read_text())["files"] == sealed

    monkeypatch.setenv("SURVEY_DATA_DIR", str(demo_folder))
    change_method_by_hand(demo_folder)
    assert warning in survey("recompute").output
    again = survey("recompute", "--wave", "main-2024")
    assert computing in again.output
    assert warning not in again.output
