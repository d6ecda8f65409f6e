"""The gate hides small cells completely and says why."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from survey.disclosure import MINIMUM_N, protect


def table(counts: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "area": [f"c{i}" for i in range(len(counts))],
            "estimate": np.arange(len(counts)) + 50.0,
            "se": 1.0,
            "ci_low": 48.0,
            "ci_high": 52.0,
            "n": counts,
        }
    )


def test_nine_are_too_few_and_ten_are_enough() -> None:
    result = protect(table([10, 9, 0]))
    assert result["shown"].tolist() == [True, False, False]
    assert result["reason"].tolist() == ["", "too_few", "empty"]
    assert result["estimate"].iloc[0] == 50.0
    assert result.loc[1:, ["estimate", "se", "ci_low", "ci_high", "n"]].isna().all().all()


def test_both_sides_of_a_comparison_need_enough_people() -> None:
    frame = table([600, 600]).assign(n_reference=[4.0, 500.0])
    result = protect(frame, counts=["n_reference"])
    assert result["shown"].tolist() == [False, True]
    assert np.isnan(result["n_reference"].iloc[0])


def test_an_unknown_count_is_hidden() -> None:
    assert not protect(table([float("nan")]))["shown"].any()


@given(st.lists(st.integers(0, 40), min_size=1, max_size=30))
def test_no_hidden_row_keeps_a_figure(counts: list[int]) -> None:
    original = table([float(c) for c in counts])
    result = protect(original)
    assert (result["shown"] == (original["n"] >= MINIMUM_N)).all()
    hidden = result.loc[~result["shown"], ["estimate", "se", "ci_low", "ci_high", "n"]]
    assert hidden.isna().all().all()
    shown = result["shown"]
    pd.testing.assert_series_equal(
        result.loc[shown, "estimate"], original.loc[shown, "estimate"], check_names=False
    )
