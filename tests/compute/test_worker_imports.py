"""What a worker process imports before its part: a photo or a chart starts one each time."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("survey.compute.photo_cleaning", ("sqlalchemy", "pandas", "survey.store")),
        ("survey.figures.drawing", ("sqlalchemy", "pandas", "survey.store")),
    ],
)
def test_what_every_process_of_its_kind_imports_is_light(
    module: str, unwanted: tuple[str, ...]
) -> None:
    program = f"import {module}, sys; print(*(n for n in {unwanted!r} if n in sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == []
