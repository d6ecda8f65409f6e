"""Result table of a comparative test: sortable, printable, as a workbook, each grade with steps."""

from html import escape

import pandas as pd
import streamlit as st

from survey.comparative_tests.reading import ComparativeTestDetail, GradedSample
from survey.figures.tables.comparative_test_workbook import comparative_test_workbook
from survey.figures.views.comparative_test import ComparativeTestTexts, TextTable
from survey.kit.download_button import XLSX, File, draw_download_button, name_file
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import render_plain_table, render_text_table
from survey.locale.figures import format_score
from survey.store.tables import ComparativeTestState


def draw_results(
    page: PageContext, test: ComparativeTestDetail, texts: ComparativeTestTexts
) -> None:
    """Draw the table of all samples, its workbook, and the steps of one sample."""
    t = page.t
    if all(each.grade is None for each in test.samples):
        st.caption(t("Grades appear once every value of every sample is there."))
        return
    if test.summary.state is not ComparativeTestState.RELEASED:
        draw_notice(
            t("Not released"),
            t("These grades are provisional: makers may reply, and values may be measured again."),
        )
    table = texts.build_result_table()
    best = table.rows[0]
    st.markdown(
        t(
            "{count} samples. The best mark is that of {name}: {mark}, {grade}.",
            count=len(table.rows),
            name=f"**{best[0]}**",
            mark=f"**{format_score(float(best[2]))}**",
            grade=best[1],
        )
    )
    with st.container(key="sortable-comparative-test"):
        st.dataframe(
            pd.DataFrame(list(table.rows), columns=list(table.heads)),
            hide_index=True,
            alt=texts.label(test.summary.title),
            column_config={
                table.heads[0]: st.column_config.TextColumn(pinned=True),
                table.heads[2]: st.column_config.NumberColumn(format="%.1f"),
                t("Price (yuan)"): st.column_config.NumberColumn(format="%.2f"),
            },
        )
    rows = [[_format_cell(each) for each in row] for row in table.rows]
    st.html(render_plain_table(table.heads, [[escape(each) for each in row] for row in rows]))
    st.caption(t("▼ lowered by a devaluation · * corrected by an erratum"))
    _draw_workbook(page, test)
    _draw_steps(page, test, texts)


def _draw_workbook(page: PageContext, test: ComparativeTestDetail) -> None:
    t = page.t

    def make() -> bytes:
        with page.read() as work:
            return comparative_test_workbook(work, test_id=test.summary.id, language=page.language)

    draw_download_button(
        page,
        t("Results, steps and rules (XLSX)"),
        File(name_file(page, "comparative-test", "xlsx", test.summary), XLSX, make),
        key="comparative-test/workbook",
        icon=":material/table:",
    )


def _draw_steps(
    page: PageContext, test: ComparativeTestDetail, texts: ComparativeTestTexts
) -> None:
    t = page.t
    samples = {each.data.code: each for each in test.samples if each.grade is not None}
    st.subheader(t("How a grade came about"), anchor=False)
    code = st.selectbox(
        t("Sample"),
        list(samples),
        format_func=lambda each: f"{samples[each].data.brand} {samples[each].data.model} ({each})",
        key=f"comparative-test/steps/{test.summary.key}",
    )
    _draw_sample_steps(page, samples[code], texts)


def _draw_sample_steps(
    page: PageContext, sample: GradedSample, texts: ComparativeTestTexts
) -> None:
    t = page.t
    grade = sample.standing
    if grade is None:
        return
    steps = texts.build_steps(grade)
    st.html(_render_results(steps.characteristics))
    if steps.devaluations.rows:
        st.html(_render_results(steps.devaluations))
    st.markdown(" → ".join(steps.sentences))
    if any(step.is_straddling for step in grade.characteristics):
        st.caption(
            t(
                "Where the limit lies within the interval, the measurement cannot tell on which "
                "side the true value is."
            )
        )
    if sample.corrected is not None and sample.grade is not None:
        st.caption(
            t(
                "Released with {mark}, {grade}; recomputed after an erratum.",
                mark=f"{sample.grade.mark:f}",
                grade=texts.grade_name(sample.grade.grade),
            )
        )


def _render_results(table: TextTable) -> str:
    rows = [[_format_cell(each) for each in row] for row in table.rows]
    return render_text_table(table.heads, rows)


def _format_cell(cell: str | float) -> str:
    return cell if isinstance(cell, str) else format_score(cell, 2).rstrip("0").rstrip(".")
