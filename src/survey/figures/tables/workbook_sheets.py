"""Worksheets of published workbooks, and the workbook of a publication."""

import io
from collections.abc import Sequence
from typing import Any

import xlsxwriter

from survey.figures.tables.ods import OdsSheets
from survey.figures.tables.published_tables import MARKS, Cell, PublishedTable
from survey.figures.views.estimate_text import QUOTA_SAMPLE
from survey.figures.views.method import build_method_view
from survey.figures.views.view_context import ViewContext

_FIRST_WIDTH, _WIDTH = 30, 16


class WorkbookSheets:
    """Writer of sheets of text and tables; a text is never read as a number or a formula."""

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


def workbook_bytes(context: ViewContext, tables: Sequence[PublishedTable]) -> bytes:
    """Return the publication workbook (xlsx) of a wave; the same tables give the same bytes."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    made_at = context.wave.frozen_at.replace(tzinfo=None)
    book.set_properties({"title": _format_title(context), "created": made_at})
    _fill_sheets(WorkbookSheets(book), context, tables)
    book.close()
    return buffer.getvalue()


def ods_bytes(context: ViewContext, tables: Sequence[PublishedTable]) -> bytes:
    """Return the same workbook as OpenDocument (ods)."""
    sheets = OdsSheets(_format_title(context), context.wave.frozen_at.replace(tzinfo=None))
    _fill_sheets(sheets, context, tables)
    return sheets.to_bytes()


def _fill_sheets(
    sheets: WorkbookSheets | OdsSheets, context: ViewContext, tables: Sequence[PublishedTable]
) -> None:
    t = context.t
    sheets.add_text(t("Cover"), _format_title(context), _list_cover_lines(context))
    names = [t("Table {number}", number=number) for number, _ in enumerate(tables, 1)]
    listing = [(name, table.title) for name, table in zip(names, tables, strict=True)]
    sheets.add_contents(t("Contents"), listing)
    sheets.add_text(t("Notes"), t("Notes"), _list_notes(context))
    remark = t("Marks in cells: see the sheet “{sheet}”.", sheet=t("Notes"))
    if context.wave.is_demo:
        mark = t("DEMO DATA: generated, no result of any survey")
        remark = f"{mark} · {remark}"
    for name, table in zip(names, tables, strict=True):
        sheets.add_table(name, table, remark)


def _format_title(context: ViewContext) -> str:
    title = f"{context.wave.label(context.language)} ({context.wave.key})"
    mark = context.t("Demo data")
    return f"{mark} {title}" if context.wave.is_demo else title


def _list_cover_lines(context: ViewContext) -> list[tuple[str, str]]:
    results = context.results
    method = build_method_view(
        wave=results.wave,
        manifest=results.manifest,
        method=results.method,
        tree=results.tree,
        language=context.language,
    )
    return [*method.snapshot, *method.fieldwork, *method.weights, *method.errors]


def _list_notes(context: ViewContext) -> list[tuple[str, str]]:
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
        (
            "5",
            t(
                "Every figure has an id. The page {page} shows what each release said of it and "
                "why it was corrected.",
                page=t("Release register"),
            ),
        ),
    ]
