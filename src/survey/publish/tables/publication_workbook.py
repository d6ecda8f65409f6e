"""Publication workbook in the manner of official statistics: one table a sheet, notes apart.

Cover, contents and notes first; a table begins with its title in A1, one line that says what marks
mean and where the notes are, then one heading row with units. No merged cell, no empty row within a
table, no colour that carries meaning, so that screen readers and programs read it alike.
"""

import io
from collections.abc import Sequence

import xlsxwriter

from survey.publish.tables.published_tables import MARKS, PublishedTable
from survey.publish.tables.workbook_sheets import WorkbookSheets
from survey.publish.views.estimate_text import QUOTA_SAMPLE
from survey.publish.views.method import build_method_view
from survey.publish.views.view_context import ViewContext


def workbook_bytes(context: ViewContext, tables: Sequence[PublishedTable]) -> bytes:
    """Return the workbook; the same tables give the same bytes."""
    t, buffer = context.t, io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    made_at = context.wave.frozen_at.replace(tzinfo=None)
    book.set_properties({"title": _format_title(context), "created": made_at})
    sheets = WorkbookSheets(book)
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
    book.close()
    return buffer.getvalue()


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
