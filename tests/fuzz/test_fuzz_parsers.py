"""Foreign bytes: no parser fails but in words, runs away with time, or with memory.

The short form of `python -m fuzz` (docs/fuzzing.md), the same inputs in every run.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz.child import Child, child
from fuzz.mutations import mutated
from fuzz.seeds import good, nasty
from fuzz.targets import REFUSALS, TARGETS


@pytest.fixture(scope="module")
def apart() -> Iterator[Child]:
    """One process with bounds for all parsers."""
    with child() as process:
        yield process


@pytest.mark.parametrize("target", TARGETS)
def test_inputs_made_to_hurt(target: str, apart: Child) -> None:
    """CPU time, not time: a busy machine changes little."""
    assert apart.feed(target, good(target)).answer in {"ok", "refused"}
    for name, content in nasty(target):
        assert apart.feed(target, content).fault == "", name


@pytest.mark.parametrize("target", TARGETS)
def test_changed_bytes_are_read_or_refused(target: str) -> None:
    parse = TARGETS[target]

    @settings(max_examples=40, derandomize=True, database=None, deadline=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.integers(0, 2**32))
    def look(seed: int) -> None:
        try:
            parse(mutated(good(target), seed))
        except REFUSALS:
            return

    look()
