"""Every benchmark runs once, at its smallest size, on a copy of one small demo."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.__main__ import NAMES, ROOT
from benchmarks.live_server import PREPARED_DEMO

GROUPS = [NAMES[first::5] for first in range(5)]
"""Those of a group share one process and what it imports, which is more work than some of them."""


@pytest.mark.slow
@pytest.mark.parametrize("names", GROUPS, ids="-".join)
def test_benchmarks_run(names: Sequence[str], small_demo: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", *names],
        env={**os.environ, PREPARED_DEMO: str(small_demo)},
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert all(f"== {name} " in run.stdout for name in names)
    if "No Chromium was found" in run.stderr and run.stderr.endswith("failed: keyboard_work\n"):
        pytest.skip("NO CHROMIUM FOUND")
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_folder_is_run() -> None:
    assert sorted(name for names in GROUPS for name in names) == sorted(NAMES)
    folders = {path.parent.name for path in ROOT.glob("benchmarks/*/*.py")}
    assert set(NAMES) == folders
    assert all((ROOT / "benchmarks" / name / "__main__.py").exists() for name in NAMES)
