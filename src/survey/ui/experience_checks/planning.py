"""Plan of an experience check: a new one, its scenario and checklist, and its steps."""

from datetime import timedelta

import streamlit as st

from survey.access.roles import NATION
from survey.context.experience_checks.plan import (
    ExperienceCheckPlan,
    close_experience_check,
    create_experience_check,
    list_checklists,
    open_experience_check,
    release_experience_check,
)
from survey.context.experience_checks.reading import ExperienceCheckDetail
from survey.fieldwork.waves import STATE_NAMES
from survey.instrument.question_types import type_of
from survey.locale import label_text
from survey.store.china_time import china_date, format_day
from survey.store.tables import WaveState, now
from survey.ui.experience_checks.changes import draw_step
from survey.ui.feedback import perform, show_feedback
from survey.ui.html_table import render_text_table
from survey.ui.page_runner import PageContext

_USUAL_DAYS = 30


def draw_new_check(page: PageContext) -> None:
    """Draw the form of a new check."""
    t = page.t
    with page.read() as work:
        checklists = list_checklists(work)
    today = china_date(now())
    with st.form("experience-check/new", border=True, enter_to_submit=False):
        key = st.text_input(
            t("Short name"), help=t("Small letters, digits and hyphens, such as dining-2026.")
        )
        title_zh = st.text_input(t("Chinese title"), max_chars=100)
        title_en = st.text_input(t("English title"), max_chars=100)
        scenario = st.text_area(
            t("Scenario"),
            max_chars=2000,
            help=t("What an observer does at a venue, so that all do the same."),
        )
        instrument_id = st.selectbox(
            t("Checklist"),
            list(checklists),
            format_func=lambda id_: (
                f"{label_text(checklists[id_].title, page.language)} {checklists[id_].version}"
            ),
        )
        observers = st.number_input(t("Observers of a venue"), 1, 4, 2)
        opens_on = st.date_input(t("First day"), today, format="YYYY-MM-DD")
        closes_on = st.date_input(
            t("Last day"), today + timedelta(_USUAL_DAYS), format="YYYY-MM-DD"
        )
        if not st.form_submit_button(t("Plan the check"), type="primary"):
            return
    area = page.principal.area if len(page.principal.area) == 2 else NATION
    draft = ExperienceCheckPlan(
        key.strip(), area, title_zh, title_en, scenario, instrument_id, opens_on, closes_on,
        int(observers),
    )  # fmt: skip
    planned = perform(
        page,
        lambda work: create_experience_check(work, draft=draft),
        done=t("The check is planned. Next come its venues."),
    )
    if planned is None:
        show_feedback(page)
        return
    st.query_params["check"] = draft.key
    st.rerun()


def draw_plan(page: PageContext, check: ExperienceCheckDetail) -> None:
    """Draw scenario, checklist and days, and the steps that those who run it may take."""
    t, summary = page.t, check.summary
    opens, closes = summary.opens_on, summary.closes_on
    facts = [
        (t("Scenario"), check.scenario),
        (
            t("Checklist"),
            f"{label_text(check.instrument.title, page.language)} {check.instrument.version}",
        ),
        (t("Observers of a venue"), str(check.observers)),
        (t("First day"), format_day(t, opens) if opens else "–"),
        (t("Last day"), format_day(t, closes) if closes else "–"),
        (t("State"), t(STATE_NAMES[WaveState.RELEASED if summary.released_at else summary.state])),
    ]
    st.html(render_text_table((t("Plan"), ""), facts))
    items = [
        (
            label_text(item.label, page.language, item.name),
            t("photo") if type_of(item).is_photo else "",
        )
        for item in check.instrument.items()
        if type_of(item).is_asked
    ]
    with st.expander(t("Items of the checklist")):
        st.html(render_text_table((t("Item"), ""), items))
    if summary.may_manage:
        _draw_steps(page, check)


def _draw_steps(page: PageContext, check: ExperienceCheckDetail) -> None:
    t, summary = page.t, check.summary
    if summary.released_at is not None:
        return
    if summary.state in (WaveState.PLANNED, WaveState.CLOSED):
        draw_step(
            page,
            check,
            open_experience_check,
            t("Open the check for visits"),
            t("Observers can send visits. Venues and observers cannot change any more."),
            t("The check is open. Observers find their venues under “My tasks”."),
        )
    if summary.state is WaveState.OPEN:
        draw_step(
            page,
            check,
            close_experience_check,
            t("Close the check"),
            t("No visit arrives any more; the review goes on. The check can be opened again."),
            t("The check is closed."),
        )
    if summary.state is WaveState.CLOSED:
        draw_step(
            page,
            check,
            release_experience_check,
            t("Release the check"),
            t(
                "Everybody who reads results sees scores and agreement, and officials of a city "
                "its venues. This cannot be undone."
            ),
            t("The check is released."),
        )
