"""The index finds exactly the rows that comparing every row would find."""

import itertools
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.results import table_cache
from survey.results.table_cache import CategoryIndex, cached_table, exact_table

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
    pd.testing.assert_frame_equal(CategoryIndex.of(table, COLUMNS).find(wanted), expected)


def test_what_a_caller_does_with_an_answer_changes_no_other_answer(table: pd.DataFrame) -> None:
    lookup = CategoryIndex.of(table, COLUMNS)
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
    lookup = CategoryIndex.of(table, COLUMNS)
    for area in ("CN", "11", "12", "CN"):
        assert set(lookup.find({"area": [area]})["area"].astype(str)) == {area}


def write_results(path: Path, start: float, rows: int = 4) -> pd.DataFrame:
    """Write and return a results file; its figures begin at `start`."""
    frame = pd.DataFrame(
        {
            "area": pd.Categorical([f"1{row % 3}" for row in range(rows)]),
            "se": [start + row for row in range(rows)],
            "estimate": [start * 2 + row if row else None for row in range(rows)],
            "shown": [row > 0 for row in range(rows)],
        }
    )
    frame.to_parquet(path)
    return frame


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A results file in a folder without seals."""
    monkeypatch.setattr(table_cache, "read_file", Path.read_bytes)
    return tmp_path / "cells.parquet"


def test_columns_that_never_leave_are_read_only_for_what_is_computed_from_them(
    results: Path,
) -> None:
    written = write_results(results, 1.5)
    seen = cached_table(results, 1).find({})
    pd.testing.assert_frame_equal(seen, written.drop(columns="se"))
    pd.testing.assert_frame_equal(exact_table(results, 1).find({}), written)
    pd.testing.assert_frame_equal(
        exact_table(results, 1).find({"area": ["11"]}),
        written[written["area"] == "11"].reset_index(drop=True),
    )


def test_no_row_mixes_two_writings_of_a_file(results: Path) -> None:
    """A file may be written anew between the reading of its columns."""
    write_results(results, 1.5)
    cached_table(results, 1)
    again = write_results(results, 7.5, rows=5)
    exact = exact_table(results, 1)
    pd.testing.assert_frame_equal(exact.find({}), again)
    expected = again[again["area"] == "11"].reset_index(drop=True)
    pd.testing.assert_frame_equal(exact.find({"area": ["11"]}), expected)
