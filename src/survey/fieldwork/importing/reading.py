"""From the bytes of a delimited text file to its header and rows, whoever saved it.

Cells are text and stay text: a formula is only characters here.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from survey.fieldwork.importing.findings import FileUnreadable
from survey.locale import msg

LARGEST_FILE = 200 * 1024 * 1024
MOST_ROWS = 500_000
MOST_COLUMNS = 2_000
LONGEST_CELL = 20_000
LONGEST_ROW = 1_000_000
"""Characters of one line: of 2,000 columns with 500 each."""
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
class Table:
    """A header and the non-blank rows below it, each with its spreadsheet row number."""

    header: tuple[str, ...]
    rows: list[tuple[int, list[str]]]
    encoding: str
    delimiter: str = ""
    sheet: str = ""
    """Of a workbook; a text file has none."""
    other_sheets: tuple[str, ...] = ()
    """Sheets with content that were not read."""


def read_delimited(content: bytes, *, most_rows: int | None = None) -> Table:
    """Read UTF-8, UTF-16 or GB18030 text separated by comma, semicolon, tab or bar.

    Raises `FileUnreadable` with the row where reading stopped.
    """
    _check_first_line(content)
    text, encoding = _decode(content)
    delimiter = _delimiter(text)
    _check_width(text, delimiter)
    records = islice(_records(text, delimiter), most_rows)
    header = header_of(next(records, (1, []))[1])
    rows = [(number, cells) for number, cells in records if any(map(str.strip, cells))]
    if not rows:
        raise FileUnreadable(msg("The file has a header but no rows."))
    return Table(header, rows, encoding, delimiter)


def _check_first_line(content: bytes) -> None:
    """Raise before anything is decoded if the header has no end within what may be its length."""
    start = content[: 4 * LONGEST_ROW]
    if len(start) < len(content) and b"\n" not in start and b"\r" not in start:
        raise _row_too_long(1)


def _check_width(text: str, delimiter: str) -> None:
    """Raise before the header is cut into cells if it has too many, each of which takes memory."""
    end = text.find("\n", 0, LONGEST_ROW)
    header = text[: LONGEST_ROW if end < 0 else end]
    if '"' not in header and header.count(delimiter) >= MOST_COLUMNS:
        raise _too_many_columns()


def _row_too_long(row: int) -> FileUnreadable:
    return FileUnreadable(
        msg(
            "Row {row} is longer than {limit} characters; no table of interviews has such rows.",
            row=row, limit=f"{LONGEST_ROW:,}",
        )
    )  # fmt: skip


def _too_many_columns() -> FileUnreadable:
    return FileUnreadable(msg("The file has more than {limit} columns.", limit=MOST_COLUMNS))


def _lines(text: str) -> Iterator[str]:
    """The lines with their ends, one after the other: a copy of a large file is never made."""
    for number, match in enumerate(_LINE.finditer(text), start=1):
        if match.end() - match.start() > LONGEST_ROW:
            raise _row_too_long(number)
        yield match[0]


def _decode(content: bytes) -> tuple[str, str]:
    if len(content) > LARGEST_FILE:
        raise FileUnreadable(
            msg("The file is larger than {limit} MB. Please split it.", limit=LARGEST_FILE >> 20)
        )
    for signature, kind in _SIGNATURES.items():
        if content.startswith(signature):
            raise FileUnreadable(
                msg("This is a file of kind {kind}. Please save it as CSV (UTF-8).", kind=kind)
            )
    if content[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGES):
        raise FileUnreadable(
            msg(
                "This is a web page, whatever the file is called. Please open it and save it as "
                "CSV (UTF-8) or as an Excel workbook (.xlsx)."
            )
        )
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decoded(content, "utf-16"), "UTF-16"
    try:
        return content.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError:
        return _decoded(content, "gb18030"), "GB18030"


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as problem:
        row = content.count(b"\n", 0, problem.start) + 1
        raise FileUnreadable(
            msg(
                "Row {row} is neither UTF-8 nor GB18030 text. Please save the file as CSV (UTF-8).",
                row=row,
            )
        ) from problem


def _delimiter(text: str) -> str:
    """The separator under which most rows have the header's number of cells."""
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


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    if "\x00" in text:
        row = text.count("\n", 0, text.index("\x00")) + 1
        raise FileUnreadable(msg("Row {row} holds a NUL byte; this is not a text file.", row=row))
    reader = csv.reader(_lines(text), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            if number > MOST_ROWS:
                raise FileUnreadable(
                    msg("The file has more than {limit} rows. Please split it.", limit=MOST_ROWS)
                )
            yield number, cells
    except csv.Error as problem:
        raise FileUnreadable(
            msg(
                "Row {row} cannot be read: an opening quotation mark has no proper end, or a cell "
                "is too long.",
                row=number + 1,
            )
        ) from problem


def header_of(cells: list[str]) -> tuple[str, ...]:
    """The trimmed column names, or `FileUnreadable` when they cannot be."""
    if not any(map(str.strip, cells)):
        raise FileUnreadable(msg("The first row must name the columns; it is empty."))
    if len(cells) > MOST_COLUMNS:
        raise _too_many_columns()
    return tuple(_one_line(cell) for cell in cells)


def _one_line(name: str) -> str:
    """A column name without line breaks and what nobody can see."""
    if name.isprintable():
        return name.strip()
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())
