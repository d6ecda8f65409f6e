"""Tables that were copied from a spreadsheet or typed line by line, as rows of a worksheet."""

import csv
import io
from collections.abc import Sequence

from survey.locale import LANGUAGES, SurveyError, msg, translator
from survey.sample.workbook_io import WorkbookColumn, WorkbookRow, WorkbookSheet

MAX_PASTED_CHARS = 400_000
_SEPARATORS = str.maketrans({"\uff0c": ",", "\uff1b": ",", ";": ",", "\u3001": ","})
"""Commas and semicolons as a Chinese keyboard types them."""


class PastedTableError(SurveyError):
    """Raised when a pasted text is no table."""

    code = "pasted_table"


def read_pasted_rows(text: str, sheet: WorkbookSheet) -> list[WorkbookRow]:
    """Return the rows of a pasted table, numbered by its lines; empty ones are left out.

    Cells are separated by tabs, as spreadsheets copy them, or else by commas. A first line of
    headings names the columns; without it they come in the order of the worksheet.

    Raises:
        PastedTableError: The text is too long, or its quotation marks do not match.
    """
    if len(text) > MAX_PASTED_CHARS:
        raise PastedTableError(
            msg("This is longer than {limit} characters.", limit=MAX_PASTED_CHARS)
        )
    rows = _split_cells(text)
    columns: Sequence[WorkbookColumn | None] = sheet.columns
    headings = [_find_column(sheet, cell) for cell in rows[0][1]] if rows else []
    if sum(column is not None for column in headings) > 1:
        columns, rows = headings, rows[1:]
    missing = {column.key: "" for column in sheet.columns}
    return [
        WorkbookRow(
            number,
            missing
            | {
                column.key: cell.strip()
                for column, cell in zip(columns, cells, strict=False)
                if column is not None
            },
        )
        for number, cells in rows
    ]


def _split_cells(text: str) -> list[tuple[int, list[str]]]:
    """Return the lines that are not empty, with their numbers."""
    by_tabs = "\t" in text
    reader = csv.reader(
        io.StringIO(text if by_tabs else text.translate(_SEPARATORS), newline=""),
        delimiter="\t" if by_tabs else ",",
        strict=True,
        skipinitialspace=True,
    )
    try:
        return [(reader.line_num, cells) for cells in reader if any(map(str.strip, cells))]
    except csv.Error as error:
        raise PastedTableError(
            msg(
                "Quotation marks of this table do not match, near line {line}.",
                line=reader.line_num,
            )
        ) from error


def _find_column(sheet: WorkbookSheet, cell: str) -> WorkbookColumn | None:
    """Return the column with that key, or that heading in any language."""
    asked = cell.strip().casefold()
    for column in sheet.columns:
        names = (column.key, *(translator(code)(column.label) for code in LANGUAGES))
        if asked in {name.casefold() for name in names}:
            return column
    return None
