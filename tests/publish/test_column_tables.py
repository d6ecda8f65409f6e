"""Tables to take away: readable in a spreadsheet, harmless in it, and marked when they are demo."""

import csv
import io
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.figures.figure_table import BYTE_ORDER_MARK, csv_bytes, format_for_screen

TABLE = pd.DataFrame(
    {
        "City": ["北京", "上海"],
        "Score": [79.123456, float("nan")],
        "n": pd.array([620, None], "Int64"),
    }
)


def read(data: bytes) -> list[list[str]]:
    text = data.decode("utf-8")
    assert text.startswith(BYTE_ORDER_MARK)
    return list(csv.reader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK))))


def test_the_screen_shows_one_decimal_and_a_dash_for_nothing() -> None:
    shown = format_for_screen(dict(TABLE.items())).to_pydict()
    assert shown["City"] == ["北京", "上海"]
    assert shown["Score"] == ["79.1", "–"]
    assert shown["n"] == ["620", "–"]


def test_thousands_are_kept_apart() -> None:
    table = {"n": [61998, None, 0], "Score": [1234.56, 0.0, -0.04]}
    assert format_for_screen(table).to_pydict() == {
        "n": ["61,998", "–", "0"],
        "Score": ["1,234.6", "0.0", "0.0"],
    }


def test_csv_has_remarks_first_then_numbers_with_four_decimals_and_blanks_for_nothing() -> None:
    rows = read(csv_bytes(TABLE, ("DEMO DATA", "Two cities")))
    assert rows == [
        ["DEMO DATA"],
        ["Two cities"],
        ["City", "Score", "n"],
        ["北京", "79.1235", "620"],
        ["上海", "", ""],
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_text_that_a_spreadsheet_would_run_is_made_harmless(start: str) -> None:
    attack = f'{start}HYPERLINK("http://evil")'
    rows = read(csv_bytes(pd.DataFrame({attack: [attack]}), (attack,)))
    assert all(cell.startswith("'") for row in rows for cell in row)


def test_negative_numbers_stay_numbers() -> None:
    assert read(csv_bytes(pd.DataFrame({"Difference": [-1.5]})))[1] == ["-1.5"]


NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?|[+-]?\.\d+([eE][+-]?\d+)?")


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0")), min_size=1))
def test_no_text_is_lost_or_begins_like_a_formula(texts: list[str]) -> None:
    rows = read(csv_bytes(pd.DataFrame({"Text": texts})))[1:]
    cells = [row[0] if row else "" for row in rows]
    assert [cell.removeprefix("'") if cell[:2].startswith("'") else cell for cell in cells] == [
        text.removeprefix("'") if text.startswith("'") else text for text in texts
    ]
    # A number that somebody typed, such as "-0", stays one: it runs nothing.
    running = [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert all(NUMBER.fullmatch(cell) for cell in running)
