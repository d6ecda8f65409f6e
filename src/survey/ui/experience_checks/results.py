"""Scores and agreement of a check, as tables with their notes and a download."""

from functools import partial

import pandas as pd
import streamlit as st

from survey.context.experience_checks.reading import ExperienceCheckDetail
from survey.publish.column_tables import csv_bytes
from survey.publish.views.experience_check import ExperienceCheckView, Table
from survey.store.china_time import format_day
from survey.ui.download_button import CSV, File, draw_download_button, name_file
from survey.ui.html_table import render_text_table
from survey.ui.page_runner import PageContext
from survey.ui.text_blocks import escape_markdown


def draw_scores(page: PageContext, check: ExperienceCheckDetail, view: ExperienceCheckView) -> None:
    """Draw the scores by area and type of venue."""
    if not view.scores[1]:
        st.caption(page.t("No visit has been approved yet."))
        return
    _draw_table(page, check, view, view.scores, page.t("Scores"))


def draw_agreement(
    page: PageContext, check: ExperienceCheckDetail, view: ExperienceCheckView
) -> None:
    """Draw how far two observers of one venue agree, item by item."""
    for sentence in view.agreement_sentences:
        st.write(sentence)
    _draw_table(page, check, view, view.agreement, page.t("Agreement of observers"))
    with st.popover(page.t("How it is computed"), key="experience-check/computation"):
        st.write(
            page.t(
                "Observers are blind to each other. κ (Cohen 1960; error of Fleiss, Cohen and "
                "Everitt 1969) and α (Krippendorff 2011) take off what chance alone would give. "
                "The error of α is that between whole venues (jackknife), because the items of one "
                "venue hang together. Intervals reach below 1 even where all agreed: what was seen "
                "is a share of so many effective answers (Zapf and others 2016). From 0.80 on α is "
                "called reliable, from 0.667 on good enough for tentative conclusions."
            )
        )


def _draw_table(
    page: PageContext,
    check: ExperienceCheckDetail,
    view: ExperienceCheckView,
    table: Table,
    what: str,
) -> None:
    t, summary = page.t, check.summary
    heads, rows = table
    days = t(
        "Visits from {first} to {last}",
        first=format_day(t, summary.opens_on) if summary.opens_on else "–",
        last=format_day(t, summary.closes_on) if summary.closes_on else "–",
    )
    demo = (t("Demo data"),) if summary.is_demo else ()
    st.caption(" · ".join((escape_markdown(view.title), days, *demo)))
    st.html(render_text_table(heads, rows))
    for note in view.notes:
        st.caption(note)
    draw_download_button(
        page,
        t("Table (CSV)"),
        File(
            name_file(page, what, "csv", summary),
            CSV,
            partial(
                csv_bytes,
                pd.DataFrame(list(rows), columns=list(heads)),
                (view.title, days, *demo, *view.notes),
            ),
        ),
        key=f"experience-check/download/{what}",
    )
