"""Numbers in words, names of things, and the rows behind a chart."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.figures.views.chart_rows import classify_differences, gap_rows, score_rows, score_table
from survey.figures.views.display_names import DisplayNames
from survey.figures.views.estimate_text import (
    NO_ESTIMATE,
    Estimate,
    difference_of,
    estimate_at,
    format_estimate,
    format_interval,
)
from survey.figures.views.table_slice import TableSlice
from survey.frame.city_frame import shipped_cities
from survey.locale import translator
from survey.locale.figures import format_signed

T = translator("en")


def figure(low: float, high: float) -> Estimate:
    return Estimate((low + high) / 2, low, high, 100, "ok", shown=True)


def gaps(*rows: tuple[float, float, float, bool]) -> TableSlice:
    frame = pd.DataFrame(rows, columns=["difference", "ci_low", "ci_high", "shown"])
    return TableSlice(
        frame.assign(
            area=[str(row) for row in range(len(frame))],
            n=100.0,
            status="ok",
            estimate=80.0,
            reference=79.0,
            verdict=np.select(
                [frame["ci_low"] > 0, frame["ci_high"] < 0], ["higher", "lower"], "none"
            ),
        )
    )


def test_a_figure_is_told_with_its_interval() -> None:
    assert format_estimate(figure(79.6, 80.2), T) == "79.9, 95%\u00a0interval 79.6 to 80.2"


def test_a_hidden_figure_is_told_without_a_number() -> None:
    assert (
        format_estimate(Estimate(None, n=None, shown=False), T)
        == "Not shown: too few interviews, or to protect personal data"
    )
    assert (
        format_estimate(NO_ESTIMATE, T)
        == "Not shown: too few interviews, or to protect personal data"
    )


def test_a_figure_that_cannot_be_estimated_is_not_called_suppressed() -> None:
    assert (
        format_estimate(Estimate(None, n=50, status="not_estimable", shown=True), T)
        == "Not available"
    )


def test_a_figure_without_an_error_says_so() -> None:
    assert format_estimate(Estimate(80.0, n=12, shown=True), T) == "80.0, no interval can be given"


def test_negative_bounds_keep_their_signs_apart() -> None:
    assert format_interval(-1.25, 0.5, T) == "\u22121.2 to +0.5"
    assert format_interval(None, 1.0, T) == ""
    assert format_signed(-0.449) == "\u22120.4"


@given(st.floats(-50, 50), st.floats(0.01, 20))
def test_a_difference_is_clear_exactly_when_its_interval_excludes_zero(
    middle: float, half: float
) -> None:
    low, high = middle - half, middle + half
    frame = gaps((middle, low, high, True))
    difference = difference_of("x", frame)
    assert difference.is_clear == (low > 0 or high < 0)
    assert difference.is_higher == (low > 0)
    expected = "higher" if low > 0 else "lower" if high < 0 else "unclear"
    assert classify_differences(frame) == [expected]


def test_a_missing_row_is_nothing() -> None:
    empty = gaps()
    assert estimate_at(empty) == NO_ESTIMATE
    assert not difference_of("x", empty).is_clear


def test_a_hidden_difference_has_no_verdict() -> None:
    rows = gap_rows(gaps((math.nan, math.nan, math.nan, False)), ["A"], T, key="area")
    assert rows["role"] == ["hidden"]
    assert rows["note"] == ["Not shown: too few interviews, or to protect personal data"]


def test_a_difference_that_rounds_to_zero_has_no_sign() -> None:
    rows = gap_rows(
        gaps((-0.04, -1.0, 1.0, True), (0.04, -1.0, 1.0, True), (-0.06, -1.0, 1.0, True),
             (0.25, 0.1, 0.4, True), (math.nan, math.nan, math.nan, False)),
        list("ABCDE"), T, key="area",
    )  # fmt: skip
    assert rows["signed"] == ["0.0", "0.0", "\u22120.1", "+0.2", ""]


def test_every_hidden_figure_says_the_same() -> None:
    """Whether too few themselves or hidden for others: words would tell counts apart."""
    cells = pd.DataFrame(
        {
            "area": ["a", "b"],
            "estimate": [np.nan, np.nan],
            "ci_low": [np.nan, np.nan],
            "ci_high": [np.nan, np.nan],
            "n": [np.nan, np.nan],
            "shown": [False, False],
            "reason": ["secondary", "too_few"],
            "status": ["ok", "ok"],
        }
    )
    table = score_table(TableSlice(cells), ["A", "B"], T, name="Area", value="Score")
    words = ["Not shown: too few interviews, or to protect personal data"] * 2
    assert table["Remark"] == words
    assert score_rows(TableSlice(cells), ["A", "B"], T, key="area")["note"] == words


def test_score_rows_keep_order_and_roles() -> None:
    cells = pd.DataFrame(
        {
            "area": ["a", "b", "c", "d"],
            "estimate": [80.0, 79.0, 78.0, np.nan],
            "ci_low": [79.0, 78.0, 70.0, np.nan],
            "ci_high": [81.0, 80.0, 86.0, np.nan],
            "n": [500.0, 500.0, 60.0, np.nan],
            "shown": [True, True, True, False],
            "status": ["ok", "ok", "ok", "ok"],
        }
    )
    rows = score_rows(TableSlice(cells), list("ABCD"), T, key="area", focus=("b",))
    assert rows["label"] == list("ABCD")
    assert rows["role"] == ["item", "focus", "item", "hidden"]
    assert rows["range"] == ["79.0 to 81.0", "78.0 to 80.0", "70.0 to 86.0", ""]


def numbered() -> TableSlice:
    return TableSlice(
        pd.DataFrame({"code": ["2.10", "1", "2.9", "x"], "v": [1.0, np.nan, 3.0, 2.0]})
    )


def test_rows_come_in_the_wanted_order_and_others_are_left_out() -> None:
    assert numbered().in_order("code", ["1", "2.9", "2.10"]).texts("code") == ["1", "2.9", "2.10"]


def test_rows_without_a_value_come_last() -> None:
    assert numbered().descending("v").texts("code") == ["2.9", "x", "2.10", "1"]


def test_narrowing_does_not_change_what_it_was_taken_from() -> None:
    cells = numbered()
    few = cells.among("code", ("x", "1")).where("code", "x")
    assert few.numbers("v").tolist() == [2.0]
    assert len(cells) == 4
    assert cells.max_value("v") == 3.0
    assert cells.total("v") == 6.0
    assert few.keep([False]).max_value("v") is None


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_city_and_province_has_a_name_of_its_own(language: str) -> None:
    names = DisplayNames(language, None)
    cities = [names.area(city.code) for city in shipped_cities()]
    provinces = {names.area(city.province_code) for city in shipped_cities()}
    assert len(set(cities)) == 100
    assert len(provinces) == 31
    assert not any(name.isdigit() for name in [*cities, *provinces])
    for city in shipped_cities():
        for label in (city.region, city.region3, city.city_class):
            assert language == "zh" or names.area(label).isascii()


def test_ages_are_named_from_their_bands() -> None:
    names = DisplayNames("en", None)
    assert names.group("age_band=15-24") == "15–24 years"
    assert names.group("age_band=80+") == "80 years and over"
    assert names.group("colour=blue") == "blue"
