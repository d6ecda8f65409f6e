"""Workbook of a comparative test: cover, result table, every step of every grade, and rules."""

import io
from datetime import datetime
from uuid import UUID

import xlsxwriter

from survey.access.work import Work
from survey.comparative_tests.reading import ComparativeTestDetail, get_comparative_test
from survey.comparative_tests.rules_workbook import COMBINATION_NAMES, DECISION_NAMES
from survey.figures.tables.published_tables import PublishedTable
from survey.figures.tables.workbook_sheets import WorkbookSheets
from survey.figures.views.comparative_test import ComparativeTestTexts, ComparisonTable
from survey.locale import Translator, translator
from survey.store.china_time import format_china_minute


def comparative_test_workbook(work: Work, *, test_id: UUID, language: str) -> bytes:
    """Return the workbook (xlsx) of a comparative test that the principal may read.

    Raises:
        NotFoundError: no such test for this principal.
    """
    test = get_comparative_test(work, test_id=test_id)
    return workbook_of_test(test, language, work.now)


def workbook_of_test(test: ComparativeTestDetail, language: str, now: datetime) -> bytes:
    """Return the workbook (xlsx) of a comparative test already read from the store."""
    t, buffer = translator(language), io.BytesIO()
    texts = ComparativeTestTexts(test, t, language)
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    title = texts.label(test.summary.title)
    if test.summary.is_demo:
        mark = t("Demo data")
        title = f"{mark} {title}"
    book.set_properties({"title": title, "created": now.replace(tzinfo=None)})
    sheets = WorkbookSheets(book)
    sheets.add_text(t("Cover"), title, _list_cover_lines(test, texts, t))
    remark = t("▼ lowered by a devaluation · * corrected by an erratum")
    if test.summary.is_demo:
        mark = t("DEMO DATA: generated, no result of any survey")
        remark = f"{mark} · {remark}"
    _add_sheet(sheets, t("Results"), title, texts.build_result_table(), remark)
    _add_sheet(sheets, t("Steps"), title, _build_step_table(test, texts, t), remark)
    _add_sheet(sheets, t("Rules"), title, _build_rule_table(test, texts, t), remark)
    book.close()
    return buffer.getvalue()


def _add_sheet(
    sheets: WorkbookSheets, name: str, title: str, table: ComparisonTable, remark: str
) -> None:
    sheets.add_table(name, PublishedTable(f"{title} · {name}", table.heads, table.rows), remark)


def _list_cover_lines(
    test: ComparativeTestDetail, texts: ComparativeTestTexts, t: Translator
) -> list[tuple[str, str]]:
    released = test.summary.released_at
    return [
        (t("Purpose"), test.plan.purpose),
        (t("Funder"), test.plan.funder),
        *([(t("Carried out together with"), test.plan.partners)] if test.plan.partners else []),
        (t("Laboratory"), f"{test.plan.laboratory} ({test.plan.accreditation})"),
        (t("Decision rule"), t(DECISION_NAMES[test.rules.decision.kind])),
        (t("Hash of the sealed rules"), test.rules_sha256),
        (t("Released"), format_china_minute(t, released) if released else t("not released")),
        *(
            (
                t("Erratum {number}", number=each.number),
                f"{each.sample} {each.characteristic}: {texts.format_value(each.before)} → "
                f"{texts.format_value(each.after)}. {each.reason}",
            )
            for each in test.errata
        ),
    ]


def _build_step_table(
    test: ComparativeTestDetail, texts: ComparativeTestTexts, t: Translator
) -> ComparisonTable:
    heads: tuple[str, ...] = ()
    rows: list[tuple[str | float, ...]] = []
    for sample in test.samples:
        if sample.standing is None:
            continue
        steps = texts.build_steps(sample.standing)
        heads = (t("Sample number"), *steps.characteristics.heads)
        rows += [(sample.data.code, *row) for row in steps.characteristics.rows]
        rows += [
            (sample.data.code, " · ".join(map(str, row)), *[""] * (len(heads) - 2))
            for row in (*steps.groups.rows, *steps.devaluations.rows)
        ]
        rows += [
            (sample.data.code, remark, *[""] * (len(heads) - 2))
            for remark in texts.list_remarks(sample.standing)
        ]
        rows.append((sample.data.code, " ".join(steps.sentences), *[""] * (len(heads) - 2)))
    return ComparisonTable(heads, tuple(rows))


def _build_rule_table(
    test: ComparativeTestDetail, texts: ComparativeTestTexts, t: Translator
) -> ComparisonTable:
    table = texts.build_rule_table()
    rows = list(table.rows)
    empty = [""] * (len(table.heads) - 2)
    rows += [
        (rule.heading or t("The whole product"), t(COMBINATION_NAMES[rule.combination]), *empty)
        for rule in test.rules.groups
    ]
    rows += [
        (texts.label(rule.name), texts.describe_devaluation(rule), *empty)
        for rule in test.rules.devaluations
    ]
    return ComparisonTable(table.heads, tuple(rows))
