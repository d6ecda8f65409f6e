"""Tables in CSV files and Excel workbooks, read into a header and rows of text.

Cells stay text: a formula is only characters here. A worksheet is inspected before it is parsed.
"""

import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice

from python_calamine import CalamineWorkbook, SheetTypeEnum

from survey.fieldwork.importing.rejections import FileUnreadableError
from survey.fieldwork.importing.worksheet_inspection import build_damaged_error, inspect_sheet
from survey.instrument.xlsform.workbook_safety import (
    WorkbookError,
    WorkbookLimits,
    check_spreadsheet,
)
from survey.locale import msg
from survey.spreadsheets import decode_table_text

MAX_FILE_BYTES = 200 * 1024 * 1024
MAX_ROWS = 500_000
MAX_COLUMNS = 2_000
MAX_CELL_CHARS = 20_000
MAX_ROW_CHARS = 1_000_000
"""Characters of one row: 2,000 columns of 500 each."""
DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_ROWS = 50
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
_SIGNATURES = {
    b"PK\x03\x04": "Excel",
    b"\xd0\xcf\x11\xe0": "Excel 97-2003",
    b"%PDF": "PDF",
    b"\x1f\x8b": "gzip",
    b"PAR1": "Parquet",
    b"$FL2": "SPSS",
}
_PAGES = (b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta", b"<head", b"<style")


@dataclass(frozen=True)
class ImportTable:
    """A header and the rows below it that are not blank, each with its spreadsheet row number."""

    header: tuple[str, ...]
    rows: list[tuple[int, list[str]]]
    encoding: str
    delimiter: str = ""
    sheet: str = ""
    """Name of the worksheet; empty for a text file."""
    other_sheets: tuple[str, ...] = ()
    """Worksheets with content that were not read."""


def read_delimited(content: bytes, *, most_rows: int | None = None) -> ImportTable:
    """Read UTF-8, UTF-16 or GB18030 text separated by comma, semicolon, tab or bar.

    Raises `FileUnreadableError` with the row where reading stopped.
    """
    check_first_line(content)
    text, encoding = decode_text_file(content)
    delimiter = detect_delimiter(text)
    check_width(text, delimiter)
    records = islice(_iter_delimited_records(text, delimiter), most_rows)
    header = header_of(next(records, (1, []))[1])
    rows = [(number, cells) for number, cells in records if any(map(str.strip, cells))]
    if not rows:
        raise FileUnreadableError(msg("The file has a header but no rows."))
    return ImportTable(header, rows, encoding, delimiter)


def check_first_line(content: bytes) -> None:
    """Raise before anything is decoded if the header has no end within what may be its length."""
    start = content[: 4 * MAX_ROW_CHARS]
    if len(start) < len(content) and b"\n" not in start and b"\r" not in start:
        raise _build_row_too_long_error(1)


def check_width(text: str, delimiter: str) -> None:
    """Raise before the header is cut into cells if it has too many, each of which takes memory."""
    end = text.find("\n", 0, MAX_ROW_CHARS)
    header = text[: MAX_ROW_CHARS if end < 0 else end]
    if '"' not in header and header.count(delimiter) >= MAX_COLUMNS:
        raise _build_too_many_columns_error()


def _build_row_too_long_error(row: int) -> FileUnreadableError:
    return FileUnreadableError(
        msg(
            "Row {row} is longer than {limit} characters; no table of interviews has such rows.",
            row=row,
            limit=f"{MAX_ROW_CHARS:,}",
        )
    )


def _build_too_many_columns_error() -> FileUnreadableError:
    return FileUnreadableError(msg("The file has more than {limit} columns.", limit=MAX_COLUMNS))


def _iter_lines(text: str) -> Iterator[str]:
    """Yield the lines with their ends; a copy of a large file is never made."""
    for number, match in enumerate(_LINE.finditer(text), start=1):
        if match.end() - match.start() > MAX_ROW_CHARS:
            raise _build_row_too_long_error(number)
        yield match[0]


def decode_text_file(content: bytes) -> tuple[str, str]:
    """Return the text of a CSV file, and its encoding. Raises `FileUnreadableError` for others."""
    if len(content) > MAX_FILE_BYTES:
        raise FileUnreadableError(
            msg("The file is larger than {limit} MB. Please split it.", limit=MAX_FILE_BYTES >> 20)
        )
    for signature, kind in _SIGNATURES.items():
        if content.startswith(signature):
            raise FileUnreadableError(
                msg("This is a file of kind {kind}. Please save it as CSV (UTF-8).", kind=kind)
            )
    if content[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGES):
        raise FileUnreadableError(
            msg(
                "This is a web page, whatever the file is called. Please open it and save it as "
                "CSV (UTF-8) or as an Excel workbook (.xlsx)."
            )
        )
    try:
        return decode_table_text(content)
    except UnicodeDecodeError as problem:
        row = content.count(b"\n", 0, problem.start) + 1
        raise FileUnreadableError(
            msg(
                "Row {row} is neither UTF-8 nor GB18030 text. Please save the file as CSV (UTF-8).",
                row=row,
            )
        ) from problem


def detect_delimiter(text: str) -> str:
    """Return the delimiter under which most rows have the header's number of cells."""
    best, most = DELIMITERS[0], (1, 0)
    for delimiter in DELIMITERS:
        sample = csv.reader(io.StringIO(text[: 1 << 20]), delimiter=delimiter)
        try:
            widths = [len(cells) for cells in islice(sample, _SAMPLE_ROWS)]
        except csv.Error:
            continue
        if not widths or widths[0] < 2:
            continue
        agreeing = Counter(widths)[widths[0]]
        if (agreeing, widths[0]) > (most[1], most[0]):
            best, most = delimiter, (widths[0], agreeing)
    return best


def _iter_delimited_records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    if "\x00" in text:
        row = text.count("\n", 0, text.index("\x00")) + 1
        raise FileUnreadableError(
            msg("Row {row} holds a NUL byte; this is not a text file.", row=row)
        )
    reader = csv.reader(_iter_lines(text), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            if number > MAX_ROWS:
                raise FileUnreadableError(
                    msg("The file has more than {limit} rows. Please split it.", limit=MAX_ROWS)
                )
            yield number, cells
    except csv.Error as problem:
        raise FileUnreadableError(
            msg(
                "Row {row} cannot be read: an opening quotation mark has no proper end, or a cell "
                "is too long.",
                row=number + 1,
            )
        ) from problem


def header_of(cells: list[str]) -> tuple[str, ...]:
    """Return the trimmed column names. Raises `FileUnreadableError` if there are none."""
    if not any(map(str.strip, cells)):
        raise FileUnreadableError(msg("The first row must name the columns; it is empty."))
    if len(cells) > MAX_COLUMNS:
        raise _build_too_many_columns_error()
    return tuple(_clean_column_name(cell) for cell in cells)


def _clean_column_name(name: str) -> str:
    """Return a column name without line breaks and invisible characters."""
    if name.isprintable():
        return name.strip()
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())


ANSWERS, CODES = "answers", "codes"
"""Worksheets of our own template."""
REMARK = "#"
"""Start of the rows of the template that explain the columns and are no interviews."""
LIMITS = WorkbookLimits(
    file=60 * 2**20, part=400 * 2**20, unpacked=600 * 2**20, rows=200_000, cells=8_000_000
)


def read_table(content: bytes, *, most_rows: int | None = None) -> ImportTable:
    """Read the table in a CSV or .xlsx file.

    Args:
        most_rows: Read only so many rows, for a preview.

    Raises:
        FileUnreadableError: There is no readable table in the file.
    """
    if not content.startswith(b"PK\x03\x04"):
        return read_delimited(content, most_rows=most_rows)
    try:
        check_spreadsheet(content, LIMITS)
    except WorkbookError as error:
        raise FileUnreadableError(error.message) from error
    try:
        return _read_workbook(content, most_rows)
    except FileUnreadableError:
        raise
    except BaseException as error:
        # A damaged workbook fails in as many ways as the parsers behind have errors; a panic of
        # the one in Rust is no ordinary exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise build_damaged_error() from error


def _read_workbook(content: bytes, most_rows: int | None) -> ImportTable:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        looks = {
            sheet.name: inspect_sheet(archive, sheet.name)
            for sheet in workbook.sheets_metadata
            if sheet.typ is SheetTypeEnum.WorkSheet
        }
    filled = [name for name, look in looks.items() if look.filled]
    if not filled:
        raise FileUnreadableError(msg("The workbook has no sheet with answers."))
    title = ANSWERS if ANSWERS in filled else filled[0]
    if (problem := looks[title].problem) is not None:
        raise problem
    is_template = {ANSWERS, CODES} <= set(filled)
    records = islice(
        _iter_worksheet_records(workbook.get_sheet_by_name(title).iter_rows()), most_rows
    )
    others = () if is_template else tuple(name for name in filled if name != title)
    return _build_table(records, title, is_template, others)


def _build_table(
    records: Iterable[tuple[int, list[str]]], title: str, is_template: bool, others: tuple[str, ...]
) -> ImportTable:
    header: tuple[str, ...] = ()
    rows: list[tuple[int, list[str]]] = []
    for number, cells in records:
        if not header:
            header = header_of(cells)
        elif not (is_template and cells[0].startswith(REMARK)):
            cells += [""] * (len(header) - len(cells))
            rows.append((number, cells))
    if not rows:
        raise FileUnreadableError(msg("The file has a header but no rows."))
    return ImportTable(header, rows, "Excel", sheet=title, other_sheets=others)


def _iter_worksheet_records(rows: Iterable[Iterable[object]]) -> Iterator[tuple[int, list[str]]]:
    """Yield rows with content, and the first row, which names the columns."""
    for number, row in enumerate(rows, start=1):
        cells = _format_cells(row)
        if number == 1 or any(cells):
            yield number, cells


def _format_cells(row: Iterable[object]) -> list[str]:
    """Return the cells as text, without the empty ones at the end."""
    cells = [_format_cell(value) for value in row]
    while cells and not cells[-1]:
        cells.pop()
    if len(cells) > MAX_COLUMNS:
        raise _build_too_many_columns_error()
    return cells


def _format_cell(value: object) -> str:
    """Return a cell as a person reads it; a whole number without a decimal point."""
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
