"""Foreign bytes: no parser fails but in words, runs away with time, or with memory.

The short form of `python -m tests.fuzz` (docs/fuzzing.md), the same inputs in every run.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.mutations import mutate
from tests.fuzz.seeds import nasty_inputs, valid_inputs
from tests.fuzz.targets import REFUSALS, TARGETS
from tests.fuzz.worker_process import FuzzWorker, worker_process


@pytest.fixture(scope="module")
def apart() -> Iterator[FuzzWorker]:
    """One process with bounds for all parsers."""
    with worker_process() as process:
        yield process


@pytest.mark.parametrize("target", TARGETS)
def test_inputs_made_to_hurt(target: str, apart: FuzzWorker) -> None:
    """CPU time, not time: a busy machine changes little."""
    assert apart.feed(target, valid_inputs(target)).answer in {"ok", "refused"}
    for name, content in nasty_inputs(target):
        assert apart.feed(target, content).fault == "", name


@pytest.mark.parametrize("target", TARGETS)
def test_changed_bytes_are_read_or_refused(target: str) -> None:
    parse = TARGETS[target]

    @settings(
        max_examples=40,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**32))
    def look(seed: int) -> None:
        try:
            parse(mutate(valid_inputs(target), seed))
        except REFUSALS:
            return

    look()
