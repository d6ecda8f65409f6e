"""Every benchmark runs once, at its smallest size, on a copy of one small demo."""

import os
import subprocess
from pathlib import Path

import pytest

from benchmarks.__main__ import NAMES, ROOT, command_of
from benchmarks.live_server import PREPARED_DEMO


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_runs(name: str, small_demo: Path) -> None:
    run = subprocess.run(
        command_of(name, "--quick"),
        env={**os.environ, PREPARED_DEMO: str(small_demo)},
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "No Chromium was found" in run.stderr:
        pytest.skip("NO CHROMIUM FOUND")
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_folder_is_run() -> None:
    folders = {path.parent.name for path in ROOT.glob("benchmarks/*/*.py")}
    assert set(NAMES) == folders
    assert all((ROOT / "benchmarks" / name / "__main__.py").exists() for name in NAMES)
