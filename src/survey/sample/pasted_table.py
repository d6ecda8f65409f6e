"""Tables that were pasted, typed line by line, or sent as a CSV file, as rows of a worksheet."""

import csv
import io
from collections.abc import Sequence

from survey.locale import RefusedError, msg
from survey.sample.workbook_io import (
    CellError,
    WorkbookColumn,
    WorkbookRow,
    WorkbookSheet,
    read_sheet,
)
from survey.spreadsheets import decode_table_text, unescape_formula
from survey.tabular.workbook_safety import WorkbookError

MAX_PASTED_CHARS = 400_000
_SEPARATORS = str.maketrans({"\uff0c": ",", "\uff1b": ",", ";": ",", "\u3001": ","})
"""Commas and semicolons as a Chinese keyboard types them."""


def read_pasted_rows(text: str, sheet: WorkbookSheet) -> list[WorkbookRow]:
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
    columns: Sequence[WorkbookColumn | None] = sheet.columns
    headings = [_find_column(sheet, cell) for cell in rows[0][1]] if rows else []
    if sum(column is not None for column in headings) > 1:
        columns, rows = headings, rows[1:]
    return _build_worksheet_rows(sheet, columns, rows)


def read_table_file(
    name: str, content: bytes, sheet: WorkbookSheet
) -> tuple[list[WorkbookRow], list[CellError]]:
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
    headings = [_find_column(sheet, cell) for cell in rows[0][1]] if rows else []
    missing = next((column for column in sheet.columns if column not in headings), None)
    if missing is not None:
        raise WorkbookError(
            msg(
                "Sheet “{sheet}” has no column “{column}”. Please use the template.",
                sheet=sheet.name,
                column=missing.label,
            )
        )
    return _build_worksheet_rows(sheet, headings, rows[1:]), []


def _build_worksheet_rows(
    sheet: WorkbookSheet,
    columns: Sequence[WorkbookColumn | None],
    rows: Sequence[tuple[int, list[str]]],
) -> list[WorkbookRow]:
    missing = {column.key: "" for column in sheet.columns}
    return [
        WorkbookRow(
            number,
            missing
            | {
                column.key: unescape_formula(cell.strip())
                for column, cell in zip(columns, cells, strict=False)
                if column is not None
            },
        )
        for number, cells in rows
    ]


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
