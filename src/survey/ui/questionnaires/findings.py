"""Findings about a questionnaire: where they are, what is wrong, and how to mend it."""

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from survey.fieldwork.questionnaires import QuestionnaireSummary, list_stored_findings
from survey.instrument.checks import Finding, Severity
from survey.publish.column_tables import csv_bytes
from survey.ui.download_button import CSV, File, draw_download_button, name_file
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext
from survey.ui.text_blocks import escape_markdown

_MAX_SHOWN_ROWS = 100


def draw_checks(page: PageContext, summary: QuestionnaireSummary) -> None:
    """Draw what stands against a wave with a stored version today."""
    t = page.t
    with page.read() as work:
        findings = list_stored_findings(work, instrument_id=summary.id)
    if not findings:
        draw_notice(
            t("Nothing is wrong"),
            t("A wave with this questionnaire can be opened, frozen and scored."),
        )
        return
    st.markdown(t("A wave with this questionnaire could not be opened or scored as it stands."))
    draw_findings(page, findings, key=f"questionnaires/checks/{summary.key}")


def draw_findings(page: PageContext, findings: Sequence[Finding], *, key: str) -> None:
    """Draw errors and warnings apart, and offer all of them as a file."""
    t = page.t
    for severity, heading in (
        (Severity.ERROR, t("Errors: the questionnaire cannot be stored with them")),
        (Severity.WARNING, t("Warnings: left out or changed, but no obstacle")),
    ):
        rows = [finding for finding in findings if finding.severity is severity]
        if not rows:
            continue
        st.subheader(f"{heading} ({len(rows):,})", anchor=False)
        table = findings_table(page, rows).head(_MAX_SHOWN_ROWS).map(escape_markdown)
        st.table(table, hide_index=True, border="horizontal", alt=heading)
        if len(rows) > _MAX_SHOWN_ROWS:
            st.caption(t("The first {shown}; all of them are in the file.", shown=_MAX_SHOWN_ROWS))
    draw_download_button(
        page,
        t("All findings (CSV)"),
        File(
            name_file(page, "findings", "csv"),
            CSV,
            partial(_build_findings_csv, page, tuple(findings)),
        ),
        key=f"{key}/file",
        type="tertiary",
        icon=":material/table:",
    )


def _build_findings_csv(page: PageContext, findings: Sequence[Finding]) -> bytes:
    t = page.t
    names = {Severity.ERROR: t("error"), Severity.WARNING: t("warning")}
    table = findings_table(page, findings)
    table.insert(0, t("Severity"), [names[finding.severity] for finding in findings])
    return csv_bytes(table)


def findings_table(page: PageContext, findings: Sequence[Finding]) -> pd.DataFrame:
    """Return the findings as a table: sheet, row, column, problem, advice."""
    t = page.t
    return pd.DataFrame(
        [
            (
                finding.sheet or "–",
                "–" if finding.row is None else str(finding.row),
                finding.column or "–",
                _format_message(page, finding),
                t(finding.suggestion) if finding.suggestion else "",
            )
            for finding in findings
        ],
        columns=[t("Sheet"), t("Row"), t("Column"), t("What is wrong"), t("How to mend it")],
    )


def _format_message(page: PageContext, finding: Finding) -> str:
    """Return the message, behind the name of the question where no row says which."""
    words = page.t(finding.message)
    if finding.row is not None or not finding.item or finding.item in words:
        return words
    return page.t("{name}: {note}", name=finding.item, note=words)
