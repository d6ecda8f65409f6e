"""The planner's page: one wave with its state, and what belongs to it in six tabs."""

from functools import partial

import streamlit as st

from survey.access.roles import Action
from survey.fieldwork.planning.wave_overview import (
    WaveOptions,
    WaveOverview,
    get_wave_overview,
    list_planning_waves,
    list_wave_options,
)
from survey.fieldwork.waves import WaveSummary
from survey.store.tables import WaveState
from survey.ui.feedback import show_feedback
from survey.ui.filters import draw_wave_footer, filter_row, pick_wave_key
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext
from survey.ui.plan.answer_archive import draw_archive_part
from survey.ui.plan.checklist import draw_checklist
from survey.ui.plan.freeze_job import collect_job_results, draw_job
from survey.ui.plan.freeze_steps import draw_freeze_part, draw_freeze_steps
from survey.ui.plan.release import draw_release_part, draw_release_steps
from survey.ui.plan.review_summary import draw_review_summary
from survey.ui.plan.sample import draw_sample_part
from survey.ui.plan.sampling_points import draw_points_part
from survey.ui.plan.second_person import draw_request
from survey.ui.plan.staff import draw_staff
from survey.ui.plan.wave_form import draw_new_wave, draw_wave_facts
from survey.ui.plan.wave_steps import close_finished_dialog, draw_field_steps, draw_stages
from survey.ui.url_state import draw_tabs

NEW = "new"
WAVE, SAMPLE, POINTS, PEOPLE, REVIEW, FREEZE = (
    "wave", "sample", "points", "people", "review", "freeze",
)  # fmt: skip


def draw_plan(page: PageContext) -> None:
    """Choose a wave and one of its parts; says what to do when there is no wave yet."""
    t = page.t
    close_finished_dialog(page)
    collect_job_results(page)
    show_feedback(page)
    draw_job(page)
    with page.read() as work:
        waves = {line.key: line for line in list_planning_waves(work)}
        offered = list_wave_options(work)
    options = [*waves, NEW] if page.principal.may(Action.PLAN) else list(waves)
    if not waves:
        draw_notice(
            t("There is no wave yet"),
            t("A wave is one run of a survey: one questionnaire, one period, one set of cities."),
            t("Fill in the fields below to make one.")
            if options
            else t("An administrator makes one on this page."),
        )
    if options:
        _draw_chosen_wave(page, waves, offered, options)


def _draw_chosen_wave(
    page: PageContext, waves: dict[str, WaveSummary], offered: WaveOptions, options: list[str]
) -> None:
    t = page.t

    # The browser keeps the label it has chosen: the state, which changes, is not part of it.
    labels = {
        key: t("A new wave …") if key == NEW else waves[key].full_name(page.language)
        for key in options
    }
    with filter_row():
        key = pick_wave_key(page, labels)
    if key == NEW:
        draw_new_wave(page, offered)
    elif key is not None:
        draw_wave_footer(page, waves[key])
        with page.read() as work:
            sheet = get_wave_overview(work, key=key)
        _draw_wave(page, sheet, offered)


def _draw_wave(page: PageContext, sheet: WaveOverview, offered: WaveOptions) -> None:
    t = page.t
    if sheet.is_demo:
        st.caption(t("Demo wave: generated, not a real survey."))
    draw_stages(page, sheet)
    draw_request(page, sheet)
    with st.container(horizontal=True, key="plan-steps"):
        draw_freeze_steps(page, sheet)
        draw_release_steps(page, sheet)
        draw_field_steps(page, sheet)
    tabs = {
        WAVE: (t("Overview"), partial(_draw_wave_overview, page, sheet, offered)),
        SAMPLE: (t("Sample and quotas"), partial(draw_sample_part, page, sheet)),
        POINTS: (t("Sampling points"), partial(draw_points_part, page, sheet)),
        PEOPLE: (t("People"), partial(draw_staff, page, sheet)),
        REVIEW: (t("Review and quality"), partial(draw_review_summary, page, sheet)),
        FREEZE: (t("Freeze and release"), partial(_draw_freeze_and_release, page, sheet)),
    }
    draw_tabs(tabs, language=page.language)


def _draw_wave_overview(page: PageContext, sheet: WaveOverview, offered: WaveOptions) -> None:
    if page.principal.may(Action.PLAN) and sheet.state is WaveState.PLANNED:
        draw_checklist(page, sheet.key)
    draw_wave_facts(page, sheet, offered)


def _draw_freeze_and_release(page: PageContext, sheet: WaveOverview) -> None:
    draw_freeze_part(page, sheet)
    draw_release_part(page, sheet)
    draw_archive_part(page, sheet)
