"""Publication workbook in the manner of official statistics: one table a sheet, notes apart.

Cover, contents and notes first; a table begins with its title in A1, one line that says what marks
mean and where the notes are, then one heading row with units. No merged cell, no empty row within a
table, no colour that carries meaning, so that screen readers and programs read it alike.
"""

import io
from collections.abc import Sequence
from typing import Any

import xlsxwriter

from survey.publish.tables.published_tables import MARKS, Cell, PublishedTable
from survey.publish.views.estimate_text import QUOTA_SAMPLE
from survey.publish.views.method import build_method_view
from survey.publish.views.view_context import ViewContext

_FIRST_WIDTH, _WIDTH = 30, 16


def workbook_bytes(context: ViewContext, tables: Sequence[PublishedTable]) -> bytes:
    """Return the workbook; the same tables give the same bytes."""
    t, buffer = context.t, io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    made_at = context.wave.frozen_at.replace(tzinfo=None)
    book.set_properties({"title": _title(context), "created": made_at})
    sheets = _Sheets(book)
    sheets.add_text(t("Cover"), _title(context), _cover(context))
    names = [t("Table {number}", number=number) for number, _ in enumerate(tables, 1)]
    listing = [(name, table.title) for name, table in zip(names, tables, strict=True)]
    sheets.add_contents(t("Contents"), listing)
    sheets.add_text(t("Notes"), t("Notes"), _notes(context))
    remark = t("Marks in cells: see the sheet “{sheet}”.", sheet=t("Notes"))
    if context.wave.is_demo:
        mark = t("DEMO DATA: generated, no result of any survey")
        remark = f"{mark} · {remark}"
    for name, table in zip(names, tables, strict=True):
        sheets.add_table(name, table, remark)
    book.close()
    return buffer.getvalue()


def _title(context: ViewContext) -> str:
    title = f"{context.wave.label(context.language)} ({context.wave.key})"
    mark = context.t("Demo data")
    return f"{mark} {title}" if context.wave.is_demo else title


def _cover(context: ViewContext) -> list[tuple[str, str]]:
    results = context.results
    method = build_method_view(
        wave=results.wave,
        manifest=results.manifest,
        method=results.method,
        tree=results.tree,
        language=context.language,
    )
    return [*method.snapshot, *method.fieldwork, *method.weights, *method.errors]


def _notes(context: ViewContext) -> list[tuple[str, str]]:
    t = context.t
    return [
        *((mark, t(meaning)) for mark, meaning in MARKS),
        ("1", t(QUOTA_SAMPLE)),
        ("2", t("n counts interviews, unweighted. Every figure is weighted.")),
        (
            "3",
            t(
                "Scores have one decimal, as everywhere; sums and differences of rounded figures "
                "may differ from the rounded sum or difference."
            ),
        ),
        (
            "4",
            t(
                "The design effect is the variance of the figure over that of a simple random "
                "sample of the same size."
            ),
        ),
    ]


class _Sheets:
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
        sheet = self._sheet(name, title)
        sheet.set_column(0, 0, _FIRST_WIDTH)
        sheet.set_column(1, 1, 90)
        for place, (key, text) in enumerate(lines, 2):
            sheet.write_string(place, 0, key, self._text)
            sheet.write_string(place, 1, text, self._text)

    def add_contents(self, name: str, listing: Sequence[tuple[str, str]]) -> None:
        sheet = self._sheet(name, name)
        sheet.set_column(0, 0, _FIRST_WIDTH)
        sheet.set_column(1, 1, 90)
        for place, (target, title) in enumerate(listing, 2):
            sheet.write_url(place, 0, f"internal:'{target}'!A1", string=target)
            sheet.write_string(place, 1, title, self._text)

    def add_table(self, name: str, table: PublishedTable, remark: str) -> None:
        sheet = self._sheet(name, table.title)
        sheet.write_string(1, 0, remark, self._line)
        sheet.set_column(0, 1, _FIRST_WIDTH)
        sheet.set_column(2, max(len(table.heads) - 1, 2), _WIDTH)
        for place, head in enumerate(table.heads):
            sheet.write_string(2, place, head, self._head)
        for line, row in enumerate(table.rows, 3):
            for place, value in enumerate(row):
                self._write(sheet, line, place, value)
        sheet.freeze_panes(3, 1)

    def _sheet(self, name: str, title: str) -> Any:
        sheet = self._book.add_worksheet(name)
        sheet.write_string(0, 0, title, self._title)
        return sheet

    def _write(self, sheet: Any, line: int, place: int, value: Cell) -> None:
        if isinstance(value, str):
            style = self._mark if value.startswith("[") else self._line
            sheet.write_string(line, place, value, style)
        else:
            style = self._count if isinstance(value, int) else self._number
            sheet.write_number(line, place, value, style)
