"""Sortable tables: differences are numbers to sort by and words to read."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey.figures.charts.interval_charts import HIGHER, UNCLEAR
from survey.figures.charts.marks import HIDDEN_ROLE
from survey.figures.views.interval_table import IntervalTable, signed_verdicts
from survey.figures.views.table_slice import TableSlice
from survey.kit.interval_table import _build_screen_frame
from survey.kit.text_blocks import render_plain_table
from survey.locale import translator


def table(*, is_signed: bool) -> IntervalTable:
    columns = {
        "City": ["a", "b", "c", "d"],
        "Difference": np.array([-0.04, 0.04, -1.25, np.nan]),
        "Here": np.array([-0.01, 80.0, 79.0, 78.0]),
    }
    return IntervalTable(
        "cities", "Cities", "", tuple("abcd"), columns, "Bar", ("", "", "", ""), columns,
        is_signed=is_signed,
    )  # fmt: skip


def test_a_difference_that_rounds_to_zero_is_read_without_a_sign_and_sorted_as_a_number() -> None:
    shown: Any = _build_screen_frame(table(is_signed=True))
    assert shown.data["Difference"].tolist()[:3] == [0.0, 0.0, -1.25]
    body = shown._translate(False, False)["body"]
    words = [row[2]["display_value"] for row in body]
    assert words == ["0.0", "0.0", "\u22121.2", "–"]


@pytest.mark.parametrize("is_signed", [True, False])
def test_no_number_of_the_table_is_a_minus_zero(is_signed: bool) -> None:
    shown: Any = _build_screen_frame(table(is_signed=is_signed))
    frame = getattr(shown, "data", shown)
    assert "-0.0" not in [f"{value:.1f}" for value in frame["Here"]]


def test_a_verdict_that_seems_to_contradict_its_interval_says_why() -> None:
    ends = {"ci_low": [2.5, 2.5, -1.0, 2.5, np.nan], "ci_high": [8.4, 8.4, 1.0, 8.4, np.nan]}
    roles = [HIGHER, UNCLEAR, UNCLEAR, HIDDEN_ROLE, UNCLEAR]
    words = {HIGHER: "Higher", UNCLEAR: "No detectable difference"}
    gaps = TableSlice(pd.DataFrame(ends))
    told = signed_verdicts(roles, words, translator("en"), gaps=gaps)
    alone = "○ seems to differ alone, not told apart when all rows are judged together"
    none = "○ No detectable difference"
    assert told == ["▲ Higher", alone, none, "", none]


@pytest.mark.parametrize(("rows", "is_folded"), [(10, False), (11, True)])
def test_a_phone_gets_ten_rows_and_a_way_to_all(rows: int, is_folded: bool) -> None:
    html = render_plain_table(translator("en"), ["City", "Score"], [["a", "1"]] * rows)
    assert html.count("<tr>") == rows + 1, "print has them all"
    assert (f"Show all {rows} rows" in html) is is_folded
