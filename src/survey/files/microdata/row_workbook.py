"""Workbook of many rows: the frame by XlsxWriter, the rows streamed into it.

XlsxWriter takes one call a cell, which is the most of a minute for six million cells. Every
distinct value of a column is therefore written once as the text of its cell, and the rows are those
texts joined. A text is text whatever it looks like: no cell is a formula.
"""

import io
import re
from collections.abc import Iterator, Sequence
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pandas as pd
import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell

from survey.figures.text_lines import CodedTexts, iter_line_bytes
from survey.locale import RefusedError, msg
from survey.spreadsheets import is_formula

MAX_SHEET_ROWS, MAX_SHEET_COLUMNS = 1_048_576, 16_384
"""Limits of Excel."""
_MAX_CELL_CHARS = 32_767
_SHEET = "xl/worksheets/sheet1.xml"
_ROWS_END = b"</sheetData>"
_DIMENSION = re.compile(rb'<dimension ref="[^"]*"')
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0d\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LOOKS_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


def workbook_bytes(table: pd.DataFrame, title: str, remarks: Sequence[str]) -> bytes:
    """Return an XLSX file with remarks, heading and all rows on the sheet `rows`.

    Raises:
        RefusedError: more rows or columns than a sheet has.
    """
    rows_above = len(remarks) + 1
    if len(table) + rows_above > MAX_SHEET_ROWS or table.shape[1] > MAX_SHEET_COLUMNS:
        raise RefusedError(
            "too_large_for_sheet",
            msg("This is too much for a workbook. Please choose CSV or Parquet."),
        )
    frame = _frame(table, title, remarks)
    last = xl_rowcol_to_cell(rows_above + len(table) - 1, max(table.shape[1] - 1, 0))
    result = io.BytesIO()
    with ZipFile(frame) as source, ZipFile(result, "w", ZIP_DEFLATED, compresslevel=3) as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename != _SHEET:
                target.writestr(entry, content)
                continue
            head, tail = content.split(_ROWS_END)
            with target.open(entry.filename, "w") as sheet:
                sheet.write(_DIMENSION.sub(f'<dimension ref="A1:{last}"'.encode(), head))
                for chunk in _row_chunks(table, rows_above, _text_style(head)):
                    sheet.write(chunk)
                sheet.write(_ROWS_END + tail)
    return result.getvalue()


def _text_style(head: bytes) -> str:
    """Return the number of the heading's cell style, which makes Excel keep a cell as text."""
    found = re.search(rb' s="(\d+)"', head)
    return found.group(1).decode() if found else "0"


def _frame(table: pd.DataFrame, title: str, remarks: Sequence[str]) -> io.BytesIO:
    """Return the workbook with remarks and heading, without its rows."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"constant_memory": True})
    book.set_properties(
        {"title": title, "author": remarks[0] if remarks else "", "comments": "\n".join(remarks)}
    )
    text = book.add_format({"quote_prefix": True})
    sheet = book.add_worksheet("rows")
    for place, remark in enumerate(remarks):
        sheet.write_string(place, 0, remark[:_MAX_CELL_CHARS], text)
    for place, name in enumerate(table.columns):
        sheet.write_string(len(remarks), place, str(name)[:_MAX_CELL_CHARS], text)
    sheet.freeze_panes(len(remarks) + 1, 0)
    book.close()
    buffer.seek(0)
    return buffer


def _row_chunks(table: pd.DataFrame, rows_above: int, formula_style: str) -> Iterator[bytes]:
    """Yield the rows as XML in chunks; texts that look like formulas get `formula_style`."""

    def cell(value: object) -> str:
        if isinstance(value, str):
            style = f' s="{formula_style}"' if is_formula(value) else ""
            return (
                f'<c{style} t="inlineStr"><is><t xml:space="preserve">{_escape(value)}</t></is></c>'
            )
        if value is None or value is pd.NA or value != value:
            return "<c/>"
        return f"<c><v>{value!r}</v></c>"

    numbers = range(rows_above + 1, rows_above + len(table) + 1)
    begins = CodedTexts.each([f'<row r="{number}">' for number in numbers])
    ends = CodedTexts(["</row>"], np.zeros(len(table), dtype=np.int32))
    cells = [CodedTexts.of(table.iloc[:, place], cell) for place in range(table.shape[1])]
    yield from iter_line_bytes((begins, *cells, ends))


def _escape(text: str) -> str:
    """Return a text as XML; characters that XML cannot hold as `_xHHHH_`, as Excel does."""
    kept = _LOOKS_ESCAPED.sub("_x005F_", text[:_MAX_CELL_CHARS])
    kept = _UNWRITABLE.sub(lambda sign: f"_x{ord(sign.group()):04X}_", kept)
    return kept.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
