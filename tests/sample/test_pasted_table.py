"""What people paste: cells of a spreadsheet, lines with commas, headings in any language."""

import pytest

from survey.frame.plan_workbook import MAX_PASTED_CHARS, read_pasted_rows
from survey.locale import translator
from survey.waves.planning.point_staff import account_template
from tests.error_codes import raises_code

SHEET = account_template()
zh = translator("zh")


def _cells(text: str, *keys: str) -> list[tuple[object, ...]]:
    return [
        (row.number, *(row.cells[key] for key in keys))
        for row in read_pasted_rows(text, SHEET).rows
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Li Na\tlina\tsurveyor",
        "Li Na, lina, surveyor",
        "Li Na\uff0clina\uff0csurveyor",
        "Li Na;lina\uff1bsurveyor",
    ],
)
def test_tabs_and_every_comma_of_a_keyboard(text: str) -> None:
    assert _cells(text, "name", "login", "role", "area") == [(1, "Li Na", "lina", "surveyor", "")]


def test_headings_name_the_columns_in_any_order_and_language() -> None:
    text = f"{zh('Login')}\t{zh('Full name')}\tnote\nlina\tLi Na\tnew\n"
    assert _cells(text, "login", "name", "email") == [(2, "lina", "Li Na", "")]


def test_empty_lines_are_left_out_and_the_others_keep_their_numbers() -> None:
    assert _cells("\nLi,lina\n , ,\n\nSun,sun\n", "login") == [(2, "lina"), (5, "sun")]
    assert _cells(" \n", "login") == []


def test_a_name_that_looks_like_a_heading_is_a_person() -> None:
    assert _cells("Role,lina,surveyor", "name") == [(1, "Role")]


def test_quoted_cells_with_tabs_and_unmatched_quotes() -> None:
    assert _cells('"Li\tNa"\tlina', "name") == [(1, "Li\tNa")]
    with raises_code("pasted_table", match="line"):
        read_pasted_rows('"Li\tlina\nSun\tsun', SHEET)


def test_a_text_that_is_too_long_is_refused() -> None:
    with raises_code("pasted_table"):
        read_pasted_rows("x" * (MAX_PASTED_CHARS + 1), SHEET)
