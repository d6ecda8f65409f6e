"""From a file of answers to its table: text in any dress, or the sheet of an Excel workbook.

Nothing in a workbook is calculated: a formula arrives as its text, as it would from a CSV, and is
refused wherever a score or a choice is expected.
"""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from openpyxl.reader.excel import ExcelReader

from survey.fieldwork.importing.findings import FileUnreadable
from survey.fieldwork.importing.reading import (
    MOST_COLUMNS,
    Table,
    header_of,
    read_delimited,
)
from survey.instrument.xlsform import WorkbookError
from survey.instrument.xlsform.guard import Limits, check_spreadsheet
from survey.locale import msg

ANSWERS, CODES = "answers", "codes"
"""Sheets of our own template."""
REMARK = "#"
"""Rows of the template that begin with it explain the columns; they are no interviews."""
LIMITS = Limits(
    file=60 * 2**20, part=400 * 2**20, unpacked=600 * 2**20, rows=200_000, cells=8_000_000
)
_ZIP = b"PK\x03\x04"
_MERGED = re.compile(rb"<mergeCell\s+ref=\"([A-Z0-9:]{2,24})\"")


def read_table(content: bytes) -> Table:
    """The table in a CSV or an .xlsx; raises `FileUnreadable` when there is none to be had."""
    if not content.startswith(_ZIP):
        return read_delimited(content)
    try:
        check_spreadsheet(content, LIMITS)
    except WorkbookError as error:
        raise FileUnreadable(error.message) from error
    try:
        return _read_workbook(content)
    except FileUnreadable:
        raise
    except Exception as error:
        # A damaged workbook fails in as many ways as openpyxl has attributes to miss.
        raise FileUnreadable(msg("The file is damaged or not an Excel workbook.")) from error


def _read_workbook(content: bytes) -> Table:
    reader = ExcelReader(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
    try:
        reader.read()
        sheets = [sheet for sheet in reader.wb.worksheets if _has_content(sheet)]
        if not sheets:
            raise FileUnreadable(msg("The workbook has no sheet with answers."))
        titles = [sheet.title for sheet in sheets]
        is_template = {ANSWERS, CODES} <= set(titles)
        chosen = sheets[titles.index(ANSWERS) if ANSWERS in titles else 0]
        _refuse_merged(reader.archive, chosen)
        return _table(chosen, is_template, [title for title in titles if title != chosen.title])
    finally:
        reader.archive.close()


def _has_content(sheet: Any) -> bool:
    sheet.reset_dimensions()
    return any(any(value is not None for value in row) for row in sheet.iter_rows(
        max_row=20, values_only=True
    ))  # fmt: skip


def _refuse_merged(archive: zipfile.ZipFile, sheet: Any) -> None:
    """Of merged cells only the first holds the value: the other rows would lose theirs."""
    found = _MERGED.search(archive.read(sheet._worksheet_path))
    if found is not None:
        raise FileUnreadable(
            msg(
                "Sheet {sheet} has merged cells ({cells}). Please unmerge them and fill in each "
                "row.",
                sheet=sheet.title,
                cells=found[1].decode(),
            )
        )


def _table(sheet: Any, is_template: bool, others: list[str]) -> Table:
    records = _records(sheet)
    header: tuple[str, ...] = ()
    rows: list[tuple[int, list[str]]] = []
    for number, cells in records:
        if not header:
            header = header_of(cells)
        elif not (is_template and cells[0].startswith(REMARK)):
            cells += [""] * (len(header) - len(cells))
            rows.append((number, cells))
    if not rows:
        raise FileUnreadable(msg("The file has a header but no rows."))
    return Table(
        header, rows, "Excel", sheet=sheet.title,
        other_sheets=() if is_template else tuple(others),
    )  # fmt: skip


def _records(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    """Rows with content; the first of them must be the first row of the sheet."""
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        if len(row) > MOST_COLUMNS:
            raise FileUnreadable(msg("The file has more than {limit} columns.", limit=MOST_COLUMNS))
        cells = _texts(row)
        if number == 1 or any(cells):
            yield number, cells


def _texts(row: Iterable[object]) -> list[str]:
    """The cells as text, without the empty ones at the end."""
    cells = [_text(value) for value in row]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _text(value: object) -> str:
    """A cell as a person reads it; a whole number without a decimal point."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.replace(microsecond=0).isoformat(" ")
    if isinstance(value, timedelta):
        return str(value.total_seconds())
    if isinstance(value, date | time):
        return value.isoformat()
    return str(getattr(value, "text", value))
