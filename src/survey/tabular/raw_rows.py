"""Rows of a worksheet or text file as they stand, with titles and heads that were merged.

Only the columns that are asked for become texts, so what a column holds that nobody needs, such as
names and telephone numbers, is never taken out of the file.
"""

import io
import zipfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from python_calamine import CalamineWorkbook, SheetTypeEnum

from survey.locale import msg
from survey.tabular.reading import LIMITS, XLSX, format_cell, reporting_damage
from survey.tabular.text_files import iter_text_rows
from survey.tabular.text_table import (
    MAX_COLUMNS,
    FileUnreadableError,
    build_too_many_columns_error,
    header_of,
)
from survey.tabular.workbook_safety import WorkbookError, check_spreadsheet
from survey.tabular.worksheet_inspection import inspect_sheet

_MAX_SHEETS = 50
JOINT = " / "
"""Between the parts of a head that stands in two rows."""


@dataclass(frozen=True)
class RawRows:
    """Rows of cells from row 1 on, also blank ones; a row may be shorter than others."""

    rows: Sequence[list[str]]
    sheet: str = ""
    """Name of the worksheet; empty for a text file."""
    other_sheets: tuple[str, ...] = ()
    """Worksheets with content that were not read."""
    merged: tuple[tuple[tuple[int, int], tuple[int, int]], ...] = ()
    """First and last (row, column) of merged cells, from 0; only the first holds the value."""


def list_sheets(content: bytes) -> tuple[str, ...]:
    """Return the worksheets with content; one without a name for a text file.

    Raises:
        FileUnreadableError: The file is unsafe, or no worksheet has content.
    """
    if not content.startswith(XLSX):
        return ("",)
    try:
        check_spreadsheet(content, LIMITS)
    except WorkbookError as error:
        raise FileUnreadableError(error.message) from error
    with reporting_damage(), zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [
            sheet.name
            for sheet in CalamineWorkbook.from_filelike(io.BytesIO(content)).sheets_metadata
            if sheet.typ is SheetTypeEnum.WorkSheet
        ]
        filled = [name for name in names[:_MAX_SHEETS] if inspect_sheet(archive, name).filled]
    if not filled:
        raise FileUnreadableError(msg("The workbook has no sheet with content."))
    return tuple(filled)


def read_raw_rows(
    content: bytes,
    *,
    sheet: str = "",
    columns: Collection[int] | None = None,
    most_rows: int | None = None,
) -> RawRows:
    """Return the rows of a worksheet (the first with content unless named) or of a text file.

    Args:
        columns: Positions of the columns to read, from 0; the cells of all others are empty.
        most_rows: Read only so many rows.

    Raises:
        FileUnreadableError: There is no such worksheet, or it holds formulas or errors.
    """
    sheets = list_sheets(content)
    if sheet and sheet not in sheets:
        raise FileUnreadableError(
            msg(
                "The file has no worksheet {sheet}; there are: {known}.",
                sheet=sheet,
                known=", ".join(filter(None, sheets)) or "-",
            )
        )
    if sheets == ("",):
        texts = islice(iter_text_rows(content), most_rows)
        return RawRows([_keep(row, columns) for row in texts])
    name = sheet or sheets[0]
    with reporting_damage(), zipfile.ZipFile(io.BytesIO(content)) as archive:
        if (problem := inspect_sheet(archive, name, allows_merged=True).problem) is not None:
            raise problem
        worksheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name(name)
        if worksheet.width > MAX_COLUMNS:
            raise build_too_many_columns_error()
        # Rows are counted from the first of the sheet, columns from the first that is filled.
        blank = [""] * (worksheet.start or (0, 0))[1]
        rows = [_keep((*blank, *row), columns) for row in islice(worksheet.iter_rows(), most_rows)]
        merged = tuple(worksheet.merged_cell_ranges or ())
    return RawRows(rows, name, tuple(each for each in sheets if each != name), merged)


def _keep(row: Sequence[object], columns: Collection[int] | None) -> list[str]:
    if columns is None:
        return [format_cell(value) for value in row]
    kept = [""] * len(row)
    for place in columns:
        if place < len(row):
            kept[place] = format_cell(row[place])
    return kept


def iter_filled_parts(
    raw: RawRows, first_row: int, columns: Collection[int]
) -> Iterator[tuple[int, int, str]]:
    """Yield (row, column, text) for the cells of `columns` that merged cells leave empty.

    Args:
        first_row: Row, from 0, before which nothing is filled.
    """
    for (top, left), (bottom, right) in raw.merged:
        rows = range(max(top, first_row), min(bottom + 1, len(raw.rows)))
        if top >= len(raw.rows) or left >= len(raw.rows[top]):
            continue
        for row in rows:
            for column in range(left, min(right + 1, len(raw.rows[row]))):
                if column in columns and (row, column) != (top, left):
                    yield row, column, raw.rows[top][left]


def read_heads(raw: RawRows, head_row: int, head_rows: int) -> list[str]:
    """Return one head per column; of two rows joined, and repeated ones numbered from (2)."""
    rows = [list(raw.rows[at]) for at in range(head_row - 1, head_row - 1 + head_rows)
            if at < len(raw.rows)]  # fmt: skip
    width = max(map(len, rows), default=0)
    rows = [row + [""] * (width - len(row)) for row in rows]
    for row, column, text in iter_filled_parts(raw, head_row - 1, range(width)):
        if row < head_row - 1 + len(rows):
            rows[row - head_row + 1][column] = text
    for upper, lower in pairwise(rows):
        # A text file has the head of several columns only above the first of them.
        for column in range(1, width):
            if not upper[column].strip() and lower[column].strip():
                upper[column] = upper[column - 1]
    joined = []
    for parts in zip(*rows, strict=True):
        texts = [" ".join(part.split()) for part in parts]
        joined.append(JOINT.join(dict.fromkeys(filter(None, texts))))
    if not any(joined):
        return joined
    seen: dict[str, int] = {}
    heads = []
    for head in header_of(joined):
        seen[head] = seen.get(head, 0) + 1
        heads.append(f"{head} ({seen[head]})" if head and seen[head] > 1 else head)
    return heads
