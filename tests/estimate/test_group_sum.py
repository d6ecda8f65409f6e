"""Sums by code are the same bits whichever way they are taken: counted, or by a sparse matrix."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.estimate import arrays
from survey.estimate.arrays import group_sum


@given(
    rows=st.integers(0, 400),
    columns=st.integers(1, 20),
    groups=st.integers(1, 30),
    seed=st.integers(0, 999),
    is_weighted=st.booleans(),
)
def test_few_values_are_summed_like_many(
    rows: int, columns: int, groups: int, seed: int, is_weighted: bool
) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, groups, rows)
    values = rng.normal(size=(rows, columns))
    weights = rng.uniform(0.1, 5, rows) if is_weighted else None
    expected = np.zeros((groups, columns))
    np.add.at(expected, codes, values if weights is None else values * weights[:, None])
    for few in (0, rows * columns + 1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(arrays, "_FEW_VALUES", few)
            found = group_sum(codes, values, groups, weights)
        assert found.dtype == expected.dtype
        assert np.array_equal(found, expected)
