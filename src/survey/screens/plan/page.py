"""Planning page: one wave with its state and steps, and its parts in six tabs."""

from collections.abc import Mapping
from functools import partial
from html import escape

import streamlit as st

from survey.access.roles import Action
from survey.figures.views.display_names import DisplayNames
from survey.kit.feedback import show_feedback
from survey.kit.filters import draw_wave_footer, filter_row, pick_wave_key
from survey.kit.navigation import PAGES_BY_KEY, PageKey, may_open
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import draw_columns, escape_markdown
from survey.kit.url_state import draw_tabs
from survey.locale import Message, msg
from survey.operations.checklist import (
    Checklist,
    ChecklistItem,
    ChecklistTask,
    TaskState,
    get_checklist,
)
from survey.review.review_counts import list_review_counts
from survey.screens.plan.freeze_job import collect_job_results, draw_job
from survey.screens.plan.freeze_steps import draw_freeze_part, draw_freeze_steps
from survey.screens.plan.release import (
    ANNOUNCED_WAVE,
    draw_archive_part,
    draw_release_part,
    draw_release_steps,
)
from survey.screens.plan.sample import draw_sample_part
from survey.screens.plan.sampling_points import draw_points_part
from survey.screens.plan.staff import draw_staff
from survey.screens.plan.wave_form import draw_new_wave, draw_wave_facts
from survey.screens.plan.wave_steps import (
    close_finished_dialog,
    draw_field_steps,
    draw_request,
    draw_stages,
)
from survey.store.tables import WaveState
from survey.waves.planning.wave_overview import (
    WaveOptions,
    WaveOverview,
    get_wave_overview,
    list_planning_waves,
    list_wave_options,
)
from survey.waves.waves import COMPUTED_STATES, WaveSummary

TASK_NAMES: Mapping[ChecklistTask, Message] = {
    ChecklistTask.ACCOUNTS: msg("Accounts of surveyors and supervisors"),
    ChecklistTask.QUESTIONNAIRE: msg("Questionnaire"),
    ChecklistTask.WAVE: msg("Wave with its days"),
    ChecklistTask.SAMPLE: msg("Sample and quotas"),
    ChecklistTask.POINTS: msg("Sampling points"),
    ChecklistTask.PEOPLE: msg("People at the points"),
    ChecklistTask.KEYS: msg("Key to sign releases"),
    ChecklistTask.OPENING: msg("Open the wave"),
    ChecklistTask.REVIEW: msg("Review"),
    ChecklistTask.CLOSING: msg("Close the wave"),
    ChecklistTask.FREEZING: msg("Preview and freeze"),
    ChecklistTask.RELEASE: msg("Release"),
}
_STATE_NAMES: Mapping[TaskState, Message] = {
    TaskState.DONE: msg("done"),
    TaskState.NEXT: msg("next"),
    TaskState.WAITING: msg("waiting"),
}
_TASK_PAGES: Mapping[ChecklistTask, tuple[PageKey, Mapping[str, str]]] = {
    ChecklistTask.ACCOUNTS: (PageKey.USERS, {"view": "batch"}),
    ChecklistTask.QUESTIONNAIRE: (PageKey.QUESTIONNAIRES, {}),
    ChecklistTask.WAVE: (PageKey.PLAN, {}),
    ChecklistTask.SAMPLE: (PageKey.PLAN, {"part": "sample"}),
    ChecklistTask.POINTS: (PageKey.PLAN, {"part": "points"}),
    ChecklistTask.PEOPLE: (PageKey.PLAN, {"part": "people"}),
    ChecklistTask.KEYS: (PageKey.RELEASES, {}),
    ChecklistTask.OPENING: (PageKey.PLAN, {}),
    ChecklistTask.REVIEW: (PageKey.REVIEW, {}),
    ChecklistTask.CLOSING: (PageKey.PLAN, {}),
    ChecklistTask.FREEZING: (PageKey.PLAN, {"part": "freeze"}),
    ChecklistTask.RELEASE: (PageKey.RELEASES, {}),
}
"""Page and filters where each task is done; pages of the wave also get its key."""
_WAVE_PARAMETERS: Mapping[ChecklistTask, str] = {
    **{task: "wave" for task, (key, _) in _TASK_PAGES.items()
       if key in {PageKey.PLAN, PageKey.REVIEW}},
    ChecklistTask.RELEASE: ANNOUNCED_WAVE,
}  # fmt: skip
NEW_WAVE = "new"


def draw_checklist(page: PageContext, key: str | None = None) -> None:
    """Draw the steps of wave `key`; without `key`, of the newest that is not released."""
    with page.read() as work:
        checklist = get_checklist(work, key=key)
    t, wave = page.t, checklist.wave
    title = t("The next wave") if wave is None else escape_markdown(wave.label(page.language))
    st.subheader(t("Steps of the wave: {wave}", wave=title), anchor=False)
    items = "".join(_render_item(page, checklist, item) for item in checklist.items)
    st.html(f'<ol class="hcs-checklist">{items}</ol>')
    if wave is not None and page.principal.may(Action.RELEASE):
        draw_signing_problem(page, checklist.signing_problem)


def draw_signing_problem(page: PageContext, problem: Message | None) -> None:
    """Draw why releases could not be signed on this server; nothing if `problem` is None."""
    if problem is not None:
        st.caption(page.t("Releases cannot be signed yet. {reason}", reason=page.t(problem)))


def _render_item(page: PageContext, checklist: Checklist, item: ChecklistItem) -> str:
    t = page.t
    name = escape(t(TASK_NAMES[item.task]))
    key, filters = _TASK_PAGES[item.task]
    wave = checklist.wave.key if checklist.wave else NEW_WAVE
    carried = {_WAVE_PARAMETERS[item.task]: wave} if item.task in _WAVE_PARAMETERS else {}
    address = escape(page.address(key, **carried, **filters), quote=True)
    current = ' aria-current="step"' if item.state is TaskState.NEXT else ""
    return (
        f'<li class="{item.state}"{current}><a href="{address}" target="_self">{name}</a>'
        f"<span>{escape(t(item.progress))}</span><b>{escape(t(_STATE_NAMES[item.state]))}</b></li>"
    )


_PAGES = (PageKey.REVIEW, PageKey.BACK_CHECK, PageKey.PROGRESS)


def draw_review_summary(page: PageContext, wave: WaveOverview) -> None:
    """Draw how many interviews of each city are approved, wait for review, or are set aside."""
    t, names = page.t, DisplayNames(page.language, None)
    if wave.state in COMPUTED_STATES:
        st.caption(
            t("The results are computed: what is published of the interviews is on their pages.")
        )
        return
    with page.read() as work:
        counts = list_review_counts(work, key=wave.key)
    if not counts:
        st.caption(t("There are no interviews yet."))
        return
    st.write(
        t(
            "{approved} interviews are approved, {waiting} wait for review, {flagged} of them were "
            "marked by the quality checks.",
            approved=f"{sum(city.approved for city in counts):,}",
            waiting=f"{sum(city.waiting for city in counts):,}",
            flagged=f"{sum(city.flagged for city in counts):,}",
        )
    )
    with st.container(horizontal=True):
        for key in _PAGES:
            info = PAGES_BY_KEY[key]
            if may_open(info, page.principal) and page.principal.may(Action.REVIEW):
                st.page_link(info.path, label=t(info.title), query_params={"wave": wave.key})
    draw_columns(
        t("Review by city"),
        {
            t("City"): [names.area(city.city_code) for city in counts],
            t("Approved"): [city.approved for city in counts],
            t("Waiting for review"): [city.waiting for city in counts],
            t("Marked among them"): [city.flagged for city in counts],
            t("Set aside"): [city.void for city in counts],
        },
    )


def draw_plan(page: PageContext) -> None:
    """Draw the choice of a wave and the chosen one; what to do if there is no wave yet."""
    t = page.t
    close_finished_dialog(page)
    collect_job_results(page)
    show_feedback(page)
    draw_job(page)
    with page.read() as work:
        waves = {line.key: line for line in list_planning_waves(work)}
        offered = list_wave_options(work)
    options = [*waves, NEW_WAVE] if page.principal.may(Action.PLAN) else list(waves)
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
        key: t("A new wave …") if key == NEW_WAVE else waves[key].full_name(page.language)
        for key in options
    }
    with filter_row():
        key = pick_wave_key(page, labels)
    if key == NEW_WAVE:
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
        "wave": (t("Overview"), partial(_draw_wave_overview, page, sheet, offered)),
        "sample": (t("Sample and quotas"), partial(draw_sample_part, page, sheet)),
        "points": (t("Sampling points"), partial(draw_points_part, page, sheet)),
        "people": (t("People"), partial(draw_staff, page, sheet)),
        "review": (t("Review and quality"), partial(draw_review_summary, page, sheet)),
        "freeze": (t("Freeze and release"), partial(_draw_freeze_and_release, page, sheet)),
    }
    draw_tabs(page, tabs)


def _draw_wave_overview(page: PageContext, sheet: WaveOverview, offered: WaveOptions) -> None:
    if page.principal.may(Action.PLAN) and sheet.state is WaveState.PLANNED:
        draw_checklist(page, sheet.key)
    draw_wave_facts(page, sheet, offered)


def _draw_freeze_and_release(page: PageContext, sheet: WaveOverview) -> None:
    draw_freeze_part(page, sheet)
    draw_release_part(page, sheet)
    draw_archive_part(page, sheet)
