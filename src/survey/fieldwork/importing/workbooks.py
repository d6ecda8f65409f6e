"""From a file of answers to its table: text in any dress, or the sheet of an Excel workbook."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice

from python_calamine import CalamineWorkbook, SheetTypeEnum

from survey.fieldwork.importing.findings import FileUnreadable
from survey.fieldwork.importing.inspecting import inspect_sheet
from survey.fieldwork.importing.reading import MOST_COLUMNS, Table, header_of, read_delimited
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


def read_table(content: bytes, *, most_rows: int | None = None) -> Table:
    """The table in a CSV or an .xlsx; raises `FileUnreadable` when there is none to be had.

    With `most_rows` only the beginning is read, for a first look.
    """
    if not content.startswith(_ZIP):
        return read_delimited(content, most_rows=most_rows)
    try:
        check_spreadsheet(content, LIMITS)
    except WorkbookError as error:
        raise FileUnreadable(error.message) from error
    try:
        return _read_workbook(content, most_rows)
    except FileUnreadable:
        raise
    except BaseException as error:
        # A damaged workbook fails in as many ways as the parsers behind have errors; a panic of
        # the one in Rust is no ordinary exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise FileUnreadable(msg("The file is damaged or not an Excel workbook.")) from error


def _read_workbook(content: bytes, most_rows: int | None) -> Table:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        looks = {name: inspect_sheet(archive, name) for name in _sheets(workbook)}
    filled = [name for name, look in looks.items() if look.filled]
    if not filled:
        raise FileUnreadable(msg("The workbook has no sheet with answers."))
    title = ANSWERS if ANSWERS in filled else filled[0]
    if (problem := looks[title].problem) is not None:
        raise problem
    is_template = {ANSWERS, CODES} <= set(filled)
    records = islice(_records(workbook.get_sheet_by_name(title).iter_rows()), most_rows)
    others = () if is_template else tuple(name for name in filled if name != title)
    return _table(records, title, is_template, others)


def _sheets(workbook: CalamineWorkbook) -> Iterator[str]:
    for sheet in workbook.sheets_metadata:
        if sheet.typ is SheetTypeEnum.WorkSheet:
            yield sheet.name


def _table(
    records: Iterable[tuple[int, list[str]]],
    title: str,
    is_template: bool,
    others: tuple[str, ...],
) -> Table:
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
    return Table(header, rows, "Excel", sheet=title, other_sheets=others)


def _records(rows: Iterable[Iterable[object]]) -> Iterator[tuple[int, list[str]]]:
    """Rows with content, and the first row, which names the columns."""
    for number, row in enumerate(rows, start=1):
        cells = _texts(row)
        if number == 1 or any(cells):
            yield number, cells


def _texts(row: Iterable[object]) -> list[str]:
    """The cells as text, without the empty ones at the end."""
    cells = [_text(value) for value in row]
    while cells and not cells[-1]:
        cells.pop()
    if len(cells) > MOST_COLUMNS:
        raise FileUnreadable(msg("The file has more than {limit} columns.", limit=MOST_COLUMNS))
    return cells


def _text(value: object) -> str:
    """A cell as a person reads it; a whole number without a decimal point."""
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
    return "" if value is None else str(value)
