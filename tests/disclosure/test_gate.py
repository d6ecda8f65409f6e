"""The gate hides small cells completely and says why."""

from random import Random

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.disclosure import MINIMUM_N, Overlaps, protect
from tests.disclosure.tables import KEYS, Survey, totals


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


@given(st.integers(0, 50), st.randoms(use_true_random=False))
@settings(max_examples=15)
def test_the_order_of_rows_decides_nothing(seed: int, random: Random) -> None:
    survey = Survey.drawn(seed)
    cells, pairs = survey.cells(), survey.overlaps()
    order = list(range(len(cells)))
    random.shuffle(order)
    new_place = np.argsort(order)
    shuffled = Overlaps(near=new_place[pairs.near], same=new_place[pairs.same][:, ::-1])
    first = protect(cells, by=KEYS, totals=totals(), overlaps=pairs)
    turned = cells.iloc[order].reset_index(drop=True)
    second = protect(turned, by=KEYS, totals=tuple(reversed(totals())), overlaps=shuffled)
    pd.testing.assert_frame_equal(first.iloc[order].reset_index(drop=True), second)


@given(st.integers(0, 50))
@settings(max_examples=15)
def test_further_rules_only_hide_more_and_never_show_fewer_than_ten(seed: int) -> None:
    survey = Survey.drawn(seed)
    cells = survey.cells()
    few = protect(cells)["shown"]
    related = protect(cells, by=KEYS, totals=totals())["shown"]
    every = survey.protected()
    assert (few | ~related).all()
    assert (few | ~every["shown"]).all()
    assert (cells.loc[every["shown"], "n"] >= MINIMUM_N).all()
    assert every.loc[~every["shown"], ["estimate", "n", "sum_weight"]].isna().all().all()
    assert set(every.loc[few & ~every["shown"], "reason"]) <= {"differencing", "secondary"}


@given(st.integers(0, 50))
@settings(max_examples=10)
def test_deciding_again_decides_the_same(seed: int) -> None:
    survey = Survey.drawn(seed)
    pd.testing.assert_frame_equal(survey.protected(), survey.protected())
