"""Worksheets of published workbooks: text, contents, and tables that programs read as well."""

from collections.abc import Sequence
from typing import Any

from survey.publish.tables.published_tables import Cell, PublishedTable

_FIRST_WIDTH, _WIDTH = 30, 16


class WorkbookSheets:
    """Writer of the sheets; a text is a text whatever it looks like."""

    def __init__(self, book: Any) -> None:
        self._book = book
        text = {"quote_prefix": True, "text_wrap": True, "valign": "top"}
        self._text = book.add_format(text)
        self._head = book.add_format({**text, "bold": True, "bottom": 1})
        self._title = book.add_format({"bold": True, "font_size": 14, "quote_prefix": True})
        self._line = book.add_format({"quote_prefix": True})
        self._number = book.add_format({"num_format": "0.0"})
        self._count = book.add_format({"num_format": "#,##0"})
        self._mark = book.add_format({"align": "right", "quote_prefix": True})

    def add_text(self, name: str, title: str, lines: Sequence[tuple[str, str]]) -> None:
        sheet = self._add_sheet(name, title)
        sheet.set_column(0, 0, _FIRST_WIDTH)
        sheet.set_column(1, 1, 90)
        for place, (key, text) in enumerate(lines, 2):
            sheet.write_string(place, 0, key, self._text)
            sheet.write_string(place, 1, text, self._text)

    def add_contents(self, name: str, listing: Sequence[tuple[str, str]]) -> None:
        sheet = self._add_sheet(name, name)
        sheet.set_column(0, 0, _FIRST_WIDTH)
        sheet.set_column(1, 1, 90)
        for place, (target, title) in enumerate(listing, 2):
            sheet.write_url(place, 0, f"internal:'{target}'!A1", string=target)
            sheet.write_string(place, 1, title, self._text)

    def add_table(self, name: str, table: PublishedTable, remark: str) -> None:
        sheet = self._add_sheet(name, table.title)
        sheet.write_string(1, 0, remark, self._line)
        sheet.set_column(0, 1, _FIRST_WIDTH)
        sheet.set_column(2, max(len(table.heads) - 1, 2), _WIDTH)
        for place, head in enumerate(table.heads):
            sheet.write_string(2, place, head, self._head)
        for line, row in enumerate(table.rows, 3):
            for place, value in enumerate(row):
                self._write_cell(sheet, line, place, value)
        sheet.autofilter(2, 0, 2 + len(table.rows), len(table.heads) - 1)
        sheet.freeze_panes(3, 1)

    def _add_sheet(self, name: str, title: str) -> Any:
        sheet = self._book.add_worksheet(name)
        sheet.write_string(0, 0, title, self._title)
        return sheet

    def _write_cell(self, sheet: Any, line: int, place: int, value: Cell) -> None:
        if isinstance(value, str):
            style = self._mark if value.startswith("[") else self._line
            sheet.write_string(line, place, value, style)
        else:
            style = self._count if isinstance(value, int) else self._number
            sheet.write_number(line, place, value, style)
