"""The index finds exactly the rows that comparing every row would find."""

import itertools

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.results.table_cache import CategoryIndex

COLUMNS = ("area", "group", "indicator")
ROWS = list(itertools.product(["CN", "11", "12"], ["all", "men"], ["composite", "1", "1.1"]))


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    frame = pd.DataFrame(ROWS, columns=list(COLUMNS)).sample(frac=1, random_state=3)
    frame.loc[frame.index[0], "group"] = None
    return frame.astype("category").assign(value=range(len(frame)))


@given(
    st.dictionaries(
        st.sampled_from(COLUMNS),
        st.lists(st.sampled_from(["CN", "11", "12", "all", "men", "composite", "1", "x"])),
    )
)
def test_finds_what_comparing_every_row_finds(
    table: pd.DataFrame, wanted: dict[str, list[str]]
) -> None:
    keep = pd.Series(True, index=table.index)
    for column, values in wanted.items():
        keep &= table[column].isin(values)
    expected = table[keep].reset_index(drop=True)
    pd.testing.assert_frame_equal(CategoryIndex(table, COLUMNS).find(wanted), expected)


def test_what_a_caller_does_with_an_answer_changes_no_other_answer(table: pd.DataFrame) -> None:
    lookup = CategoryIndex(table, COLUMNS)
    wanted = {"area": ["CN"]}
    before = lookup.find(wanted).copy(deep=True)
    spoiled = lookup.find(wanted)
    spoiled["value"] = -1
    spoiled.loc[0, "area"] = None
    spoiled["more"] = 1
    pd.testing.assert_frame_equal(lookup.find(wanted), before)


def test_answers_are_given_up_in_the_order_they_came(
    table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("survey.results.table_cache._CACHE_SIZE", 2)
    lookup = CategoryIndex(table, COLUMNS)
    for area in ("CN", "11", "12", "CN"):
        assert set(lookup.find({"area": [area]})["area"].astype(str)) == {area}
