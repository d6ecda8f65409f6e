"""Tables that were pasted, typed line by line, or sent as a CSV file, as rows of a worksheet."""

import csv
import io
from collections.abc import Mapping, Sequence

from survey.locale import RefusedError, msg
from survey.sample.workbook_io import (
    ListedRows,
    WorkbookColumn,
    WorkbookRow,
    WorkbookSheet,
    bind_columns,
    read_sheet,
)
from survey.spreadsheets import decode_table_text, unescape_formula
from survey.tabular.workbook_safety import WorkbookError

MAX_PASTED_CHARS = 400_000
_SEPARATORS = str.maketrans({"\uff0c": ",", "\uff1b": ",", ";": ",", "\u3001": ","})
"""Commas and semicolons as a Chinese keyboard types them."""


def read_pasted_rows(text: str, sheet: WorkbookSheet) -> ListedRows:
    """Return the rows of a pasted table, numbered by its lines; empty ones are left out.

    Cells are separated by tabs, as spreadsheets copy them, or else by commas. A first line of
    headings names the columns; without it they come in the order of the worksheet.

    Raises:
        RefusedError: The text is too long, or its quotation marks do not match.
    """
    if len(text) > MAX_PASTED_CHARS:
        raise RefusedError(
            "pasted_table", msg("This is longer than {limit} characters.", limit=MAX_PASTED_CHARS)
        )
    rows = _split_cells(text if "\t" in text else text.translate(_SEPARATORS))
    positions = {column.key: place for place, column in enumerate(sheet.columns)}
    headings = [_find_column(sheet, cell) for cell in rows[0][1]] if rows else []
    if sum(column is not None for column in headings) > 1:
        positions = {column.key: place for place, column in enumerate(headings) if column}
        rows = rows[1:]
    return _build_worksheet_rows(sheet, positions, rows)


def read_table_file(name: str, content: bytes, sheet: WorkbookSheet) -> ListedRows:
    """Read the rows of an uploaded CSV file or of the worksheet of a workbook.

    Raises:
        WorkbookError: The file cannot be opened, or a column is missing.
        RefusedError: A CSV file is too long, or its quotation marks do not match.
    """
    if not name.casefold().endswith(".csv"):
        return read_sheet(name, content, sheet)
    try:
        text, _ = decode_table_text(content)
    except UnicodeDecodeError as error:
        raise WorkbookError(msg("The encoding of this CSV file is not known.")) from error
    if len(text) > MAX_PASTED_CHARS:
        raise RefusedError(
            "pasted_table", msg("This is longer than {limit} characters.", limit=MAX_PASTED_CHARS)
        )
    rows = _split_cells(text)
    return _build_worksheet_rows(sheet, bind_columns(sheet, rows[0][1] if rows else ()), rows[1:])


def _build_worksheet_rows(
    sheet: WorkbookSheet, positions: Mapping[str, int], rows: Sequence[tuple[int, list[str]]]
) -> ListedRows:
    def take(cells: list[str], key: str) -> str:
        place = positions.get(key, len(cells))
        return unescape_formula(cells[place].strip()) if place < len(cells) else ""

    return ListedRows(
        sheet,
        [
            WorkbookRow(number, {column.key: take(cells, column.key) for column in sheet.columns})
            for number, cells in rows
        ],
    )


def _split_cells(text: str) -> list[tuple[int, list[str]]]:
    """Return the lines that are not empty, with their numbers."""
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter="\t" if "\t" in text else ",",
        strict=True,
        skipinitialspace=True,
    )
    try:
        return [(reader.line_num, cells) for cells in reader if any(map(str.strip, cells))]
    except csv.Error as error:
        raise RefusedError(
            "pasted_table",
            msg(
                "Quotation marks of this table do not match, near line {line}.",
                line=reader.line_num,
            ),
        ) from error


def _find_column(sheet: WorkbookSheet, cell: str) -> WorkbookColumn | None:
    """Return the column with that key, or that heading in any language and version."""
    asked = cell.strip().casefold()
    return next((column for column in sheet.columns if asked in column.list_titles()), None)
