"""The planner's page: one wave, in four parts."""

import streamlit as st

from survey.access.roles import Action
from survey.fieldwork.planning.wave_overview import (
    WaveOptions,
    WaveOverview,
    get_wave_overview,
    list_planning_waves,
    list_wave_options,
)
from survey.fieldwork.waves import STATE_NAMES, WaveSummary
from survey.store.engine import read_scope
from survey.ui.feedback import show_feedback
from survey.ui.filters import filter_row
from survey.ui.glossary import explain
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext
from survey.ui.plan.freeze_job import collect_freeze_result
from survey.ui.plan.quota_policy import draw_quota_policy
from survey.ui.plan.release import draw_release
from survey.ui.plan.sample import draw_sample_planner
from survey.ui.plan.sampling_points import draw_points_part
from survey.ui.plan.staff import draw_staff
from survey.ui.plan.wave_settings import draw_new_wave, draw_wave_settings
from survey.ui.url_state import pick, pick_pinned

NEW = "new"
WAVE, SAMPLE, POINTS, PEOPLE = "wave", "sample", "points", "people"


def draw_plan(page: PageContext) -> None:
    """Choose a wave and one of its parts; says what to do when there is no wave yet."""
    t = page.t
    collect_freeze_result(page)
    show_feedback(page)
    with read_scope(page.settings.store_url) as session:
        waves = {
            line.key: line
            for line in list_planning_waves(session=session, principal=page.principal)
        }
        offered = list_wave_options(session=session, principal=page.principal)
    options = [*waves, NEW] if page.principal.may(Action.PLAN) else list(waves)
    if not waves:
        draw_notice(
            t("There is no wave yet"),
            t("A wave is one run of a survey: one questionnaire, one period, one set of cities."),
        )
    if options:
        _draw_chosen_wave(page, waves, offered, options)


def _draw_chosen_wave(
    page: PageContext, waves: dict[str, WaveSummary], offered: WaveOptions, options: list[str]
) -> None:
    t = page.t
    parts = {
        WAVE: t("Wave and state"), SAMPLE: t("Sample and quotas"), POINTS: t("Sampling points"),
        PEOPLE: t("People"),
    }  # fmt: skip

    def show(key: str) -> str:
        if key == NEW:
            return t("A new wave …")
        line = waves[key]
        return f"{line.label(page.language)} · {t(STATE_NAMES[line.state])}"

    with filter_row():
        key = pick_pinned(
            t("Wave"), "wave", options, show=show, language=page.language,
            explanation=explain("wave", page.language),
        )  # fmt: skip
        if key in waves:
            part = pick(
                t("Part"), "part", list(parts), show=parts.__getitem__, language=page.language,
                as_buttons=True,
            )  # fmt: skip
    if key is None:
        wave = st.query_params["wave"]
        draw_notice(t("There is no wave {key}.", key=wave), t("Please choose a wave above."))
        return
    if key == NEW:
        draw_new_wave(page, offered)
        return
    with read_scope(page.settings.store_url) as session:
        sheet = get_wave_overview(session=session, principal=page.principal, key=key)
    if sheet.is_demo:
        st.caption(t("Demo wave: generated, not a real survey."))
    {
        WAVE: lambda: _draw_wave_state(page, sheet, offered),
        SAMPLE: lambda: _draw_sample_and_quotas(page, sheet),
        POINTS: lambda: draw_points_part(page, sheet),
        PEOPLE: lambda: draw_staff(page, sheet),
    }[part]()


def _draw_wave_state(page: PageContext, sheet: WaveOverview, offered: WaveOptions) -> None:
    draw_wave_settings(page, sheet, offered)
    draw_release(page, sheet)


def _draw_sample_and_quotas(page: PageContext, sheet: WaveOverview) -> None:
    draw_sample_planner(page, sheet)
    draw_quota_policy(page, sheet)
