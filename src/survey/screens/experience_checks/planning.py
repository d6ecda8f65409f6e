"""Plan of an experience check: a new one, its scenario and checklist, and its steps."""

from collections.abc import Callable
from datetime import timedelta

import streamlit as st

from survey.access.roles import NATION
from survey.experience_checks.plan import (
    ExperienceCheckPlan,
    close_experience_check,
    create_experience_check,
    list_checklists,
    open_experience_check,
    release_experience_check,
)
from survey.experience_checks.reading import ExperienceCheckDetail
from survey.kit.cases import draw_step
from survey.kit.feedback import perform, show_feedback
from survey.kit.page_runner import PageContext
from survey.kit.record_form import draw_fields
from survey.kit.text_blocks import render_text_table
from survey.locale import label_text
from survey.questionnaire.question_types import type_of
from survey.store.china_time import china_date, format_day
from survey.store.tables import WaveState, now
from survey.waves.waves import STATE_NAMES

_USUAL_DAYS = 30
_TEXTS = ("key", "title_zh", "title_en", "scenario")
_VISITS = ("observers", "opens_on", "closes_on")


def draw_new_check(page: PageContext) -> None:
    """Draw the form of a new check."""
    t = page.t
    with page.read() as work:
        checklists = list_checklists(work)
    with st.form("experience-check/new", border=True, enter_to_submit=False):
        texts = draw_fields(t, ExperienceCheckPlan, _TEXTS)
        instrument_id = st.selectbox(
            t("Checklist"),
            list(checklists),
            format_func=lambda id_: (
                f"{label_text(checklists[id_].title, page.language)} {checklists[id_].version}"
            ),
        )
        last = china_date(now()) + timedelta(_USUAL_DAYS)
        visits = draw_fields(t, ExperienceCheckPlan, _VISITS, observers=2, closes_on=last)
        if not st.form_submit_button(t("Plan the check"), type="primary"):
            return
    area = page.principal.area if len(page.principal.area) == 2 else NATION
    draft = ExperienceCheckPlan(area=area, instrument_id=instrument_id, **texts, **visits)
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

    def step(service: Callable[..., object], *texts: str) -> None:
        slot, title = f"experience-check/step/{service.__name__}", summary.title[page.language]
        draw_step(page, check.seen, slot, service, *texts, title=title)

    if summary.state in (WaveState.PLANNED, WaveState.CLOSED):
        step(
            open_experience_check,
            t("Open the check for visits"),
            t("Observers can send visits. Venues and observers cannot change any more."),
            t("The check is open. Observers find their venues under “My tasks”."),
        )
    if summary.state is WaveState.OPEN:
        step(
            close_experience_check,
            t("Close the check"),
            t("No visit arrives any more; the review goes on. The check can be opened again."),
            t("The check is closed."),
        )
    if summary.state is WaveState.CLOSED:
        step(
            release_experience_check,
            t("Release the check"),
            t(
                "Everybody who reads results sees scores and agreement, and officials of a city "
                "its venues. This cannot be undone."
            ),
            t("The check is released."),
        )
