"""Rates of a cube, a byte a value: what comes back is what was given, bit by bit."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from survey.estimate.cube.rows import RateRows

_ODD = st.sampled_from([0.0, -0.0, 100.0, 100 / 9, np.nan, np.inf, -1e-300])


def _bits(values: np.ndarray) -> list[int]:
    return np.ascontiguousarray(values).view(np.int64).tolist()


@given(
    st.lists(arrays(np.float64, 40, elements=st.one_of(_ODD, st.floats())), max_size=4),
    st.integers(0, 40),
    st.integers(0, 40),
)
def test_some_rows_of_any_rates_are_what_was_given(
    rates: list[np.ndarray], first: int, last: int
) -> None:
    rows = slice(min(first, last), max(first, last))
    read = RateRows.of(iter(rates)).read(rows)
    assert read.shape == (len(rates), rows.stop - rows.start)
    for values, given_values in zip(read, rates, strict=True):
        assert _bits(values) == _bits(given_values[rows])


@pytest.mark.parametrize(("different", "bytes_a_row"), [(256, 1), (257, 8)])
def test_a_byte_a_row_holds_256_values_and_more_are_kept_as_they_are(
    different: int, bytes_a_row: int
) -> None:
    values = np.arange(1000.0) % different
    rates = RateRows.of([values, values[::-1]])
    assert rates.nbytes == 2 * 1000 * bytes_a_row
    assert _bits(rates.read(slice(0, 1000))[1]) == _bits(values[::-1])


def test_rates_without_rows_are_as_many_and_take_nothing() -> None:
    rates = RateRows.of([np.zeros(9), np.arange(9.0)]).without_rows()
    assert (len(rates), rates.nbytes) == (2, 0)
    assert rates.read(slice(0, 0)).shape == (2, 0)


@pytest.mark.parametrize(
    ("asked", "expected"), [({}, "system"), ({"ARROW_DEFAULT_MEMORY_POOL": "mimalloc"}, "mimalloc")]
)
def test_arrow_takes_memory_from_the_c_library_unless_told_otherwise(
    asked: dict[str, str], expected: str
) -> None:
    """Its own allocator keeps what it freed, and a freeze of 62,000 took 20 MiB more."""
    code = "import survey, pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=asked
    )
    assert found.stdout.strip() == expected
