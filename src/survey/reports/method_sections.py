"""Sections of the method file on the quality of the questions and on the errors of a wave."""

import pandas as pd

from survey.figures.views.error_budget import build_error_table, describe_selection
from survey.figures.views.measurement import build_measurement
from survey.reports.contents import BulletList, Column, Paragraph, ReportSection, ReportTable
from survey.reports.scope import ReportScope

_LONGEST_FIGURE = 12
"""Characters of the longest interval."""


def build_question_quality(scope: ReportScope) -> ReportSection | None:
    """Build the section on the quality of the questions: its findings, then what they rest on."""
    t, view = scope.context.t, build_measurement(scope.context)
    tables = ((t("Indicator"), view.indicators), (t("Question"), view.questions))
    return scope.section(
        "measurement",
        [
            BulletList(view.sentences),
            *(_to_report_table(title, table) for title, table in tables if table is not None),
        ],
    )


def build_errors(scope: ReportScope) -> ReportSection | None:
    """Build the section on the error budget: how far each error may move scores and verdicts."""
    table = build_error_table(scope.context)
    if isinstance(table, str):
        return scope.section("errors", [Paragraph(table)])
    said = [sentence for sentence in (describe_selection(scope.context),) if sentence]
    title = scope.context.t("Error budget")
    return scope.section("errors", [*map(Paragraph, said), _to_report_table(title, table)])


def _to_report_table(title: str, table: pd.DataFrame) -> ReportTable:
    """Return a table whose first column names the rows and whose others are figures.

    A column that says in words why a figure is not known is as wide as a name.
    """
    first, *others = (str(name) for name in table.columns)
    texts = table.astype(str)
    columns = [Column(first, 4)]
    for name in others:
        says_why = texts[name].str.len().max() > _LONGEST_FIGURE
        columns.append(Column(name, 3 if says_why else 1.5, is_number=not says_why))
    return ReportTable(title, tuple(columns), tuple(map(tuple, texts.to_numpy().tolist())))
