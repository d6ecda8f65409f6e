"""Tasks of a surveyor: sampling point or venue, counts so far, and the interview form."""

from collections.abc import Mapping
from functools import partial
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from survey.collection.submission_envelope import get_scenario
from survey.experience_checks.venues import VENUE_TYPE_NAMES
from survey.figures.views.display_names import DisplayNames
from survey.kit.browser_components import InterviewFormConfig, interview_form
from survey.kit.navigation import PAGES_BY_KEY, PageKey
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext, page_fragment
from survey.kit.text_blocks import escape_markdown, explain
from survey.kit.url_state import pick
from survey.kit.viewer import find_current_principal
from survey.locale import label_text
from survey.questionnaire.model import Instrument
from survey.store.tables import Mode, StudyUnit
from survey.store.transactions import UNAVAILABLE_ERRORS
from survey.waves.assignments import SurveyorTask, get_assigned_point, list_tasks
from survey.waves.instruments import load_instrument
from survey.waves.planning.sampling_points import KIND_NAMES
from survey.waves.quota_counts import FullQuotaGroup, list_full_groups
from survey.web.api import phone_endpoint_config
from survey.web.submission_intake import PARKED, ApiResult, store_submission


def name_venue_type(page: PageContext, task: SurveyorTask) -> str:
    """Return the name of a venue's type; the stored code if it has none."""
    known = VENUE_TYPE_NAMES.get(task.stratum)
    return page.t(known) if known else task.stratum


def draw_venue_task(page: PageContext, task: SurveyorTask) -> None:
    """Draw a venue's scenario and a link to its checklist; if the visit is done, a notice."""
    t = page.t
    if task.is_done:
        draw_visit_sent(page, task)
        return
    draw_scenario(page, task)
    st.page_link(
        PAGES_BY_KEY[PageKey.INTERVIEW].path,
        label=t("Fill in the checklist of this venue"),
        query_params={"point": f"{task.wave_key}/{task.point_code}"},
    )


def draw_scenario(page: PageContext, task: SurveyorTask) -> None:
    """Draw the scenario that an observer follows, and the rule that visits are anonymous."""
    with page.read() as work:
        scenario = get_scenario(work, point_id=task.point_id)
    heading = page.t("Scenario")
    st.markdown(f"**{heading}**")
    st.write(scenario)
    st.caption(
        page.t(
            "Visit as any consumer would, without saying who you are. Another observer visits this "
            "venue too; please do not talk about what you saw before both have sent it."
        )
    )


def draw_visit_sent(page: PageContext, task: SurveyorTask) -> None:
    """Draw a notice that the visit of this venue has arrived and nothing is left to do."""
    t = page.t
    draw_notice(
        t("Your visit of {venue} has arrived", venue=task.point_name),
        t("Nothing is left to do here, unless a revisit is ordered. Thank you!"),
    )


def pick_task(page: PageContext) -> SurveyorTask | None:
    """Draw the choice of a sampling point and return its task; None, with a notice, without one."""
    t = page.t
    with page.read() as work:
        tasks = list_tasks(work)
    if not tasks:
        draw_notice(
            t("Nothing is assigned to you at the moment"),
            t("Sampling points appear here as soon as a wave is open and points are assigned."),
            t("If you expected some, please ask your supervisor."),
        )
        return None
    by_code = {f"{task.wave_key}/{task.point_code}": task for task in tasks}
    linked = st.query_params.get("point")
    if linked is not None and linked not in by_code:
        draw_notice(
            t("The place of this link is not among your tasks"),
            t("Nothing else was opened in its stead, so that no visit is entered elsewhere."),
            t("Choose a place under “My tasks”, or ask who sent you the link."),
        )
        st.page_link(PAGES_BY_KEY[PageKey.TASKS].path, label=t("My tasks"))
        return None
    titles = {code: _format_task_title(page, task) for code, task in by_code.items()}
    explanation = explain("sampling point", page.language)
    return by_code[pick(page, t("Sampling point"), "point", titles, explanation=explanation)]


def draw_offer(page: PageContext, task: SurveyorTask) -> None:
    """Draw what a mode experiment offers first at point `task`; nothing without one."""
    t = page.t
    if task.offered_mode is Mode.SELF:
        st.info(
            t(
                "Chance decided: at this point offer people their own phone first. Whoever cannot "
                "or does not want to is read the questions."
            )
        )
    elif task.offered_mode is Mode.ASSISTED:
        st.info(
            t(
                "Chance decided: at this point read people the questions. Whoever would rather "
                "answer on the own phone may."
            )
        )


def _format_task_title(page: PageContext, task: SurveyorTask) -> str:
    if task.unit is StudyUnit.VENUE:
        kind = name_venue_type(page, task)
    else:
        kind = page.t(KIND_NAMES[task.point_kind])
    city = label_text(task.city_name, page.language, task.city_code)
    return f"{city} · {task.point_name} · {kind} · {label_text(task.wave_title, page.language)}"


def show_progress(page: PageContext, task: SurveyorTask) -> None:
    """Draw the surveyor's own count, count and target of point `task`, and the city's quota."""
    t = page.t
    st.subheader(t("Your count"), anchor=False)
    today, mine, point = st.columns(3)
    today.metric(t("Today"), task.mine_today)
    mine.metric(t("At this point"), task.mine)
    point.metric(t("This point, everybody"), f"{task.collected} / {task.target}")
    share = min(task.collected / task.target, 1.0) if task.target else 0.0
    label = t(
        "{done} of {target} interviews at this point", done=task.collected, target=task.target
    )
    st.html(
        f'<div class="hcs-meter" role="img" aria-label="{escape(label, quote=True)}">'
        f'<div style="width:{share * 100:.0f}%"></div></div>'
    )
    if task.quota:
        st.subheader(t("Quota of the city"), anchor=False)
        st.caption(t("All surveyors of the city fill these quotas together."))
        st.table(_build_quota_table(page, task), hide_index=True, border="horizontal")


def _build_quota_table(page: PageContext, task: SurveyorTask) -> pd.DataFrame:
    t = page.t
    names = DisplayNames(page.language, None)
    return pd.DataFrame(
        {
            t("Group"): [" · ".join(map(names.group, quota.groups)) for quota in task.quota],
            t("Collected"): [f"{quota.collected} / {quota.target}" for quota in task.quota],
            t("Still needed"): [
                str(quota.missing) if quota.missing else t("full") for quota in task.quota
            ],
        }
    )


_SINCE = "interview-form/since"
"""Interviews received since the page itself last ran."""


def draw_assisted_interview(page: PageContext, task: SurveyorTask) -> None:
    """Draw the interview form for a point; what it sends is stored in the surveyor's name."""
    if task.unit is StudyUnit.VENUE:
        if task.is_done:
            draw_visit_sent(page, task)
            return
        draw_scenario(page, task)
    draw_offer(page, task)
    st.session_state[_SINCE] = 0
    _draw_interview(page, task, _load_task_instrument(page, task))


@page_fragment()
def _draw_interview(page: PageContext, task: SurveyorTask, instrument: Instrument) -> None:
    """Draw the interview form as a fragment, so that a submission redraws only this part."""
    t = page.t
    count = st.empty()
    outcome = interview_form(
        _build_form_config(page, task, instrument, _list_full_groups(page, task)),
        key="interview-form",
        language=page.language,
        elder=page.viewer.preferences.large,
        accept=partial(_store_submission, page),
    )
    if outcome is not None and outcome.body.get("status") == PARKED:
        st.toast(t("The interview arrived too late to count. Your supervisor decides about it."))
    elif outcome is not None and outcome.status == 200:
        st.session_state[_SINCE] += 1
        st.toast(t("The interview has been received."))
    if task.unit is StudyUnit.VENUE:
        count.caption(
            t(
                "You are at {point}. Answers and photos stay on this device until the platform has "
                "confirmed them.",
                point=escape_markdown(task.point_name),
            )
        )
        return
    count.caption(
        t(
            "You are at {point}. {mine} interviews today. The answers stay on this device until "
            "the platform has confirmed them.",
            point=escape_markdown(task.point_name),
            mine=task.mine_today + st.session_state[_SINCE],
        )
    )


def _store_submission(page: PageContext, document: Mapping[str, Any]) -> ApiResult:
    """Store a submission as the person signed in now, who may have changed since the page began."""
    return store_submission(document, find_current_principal(page.settings), page.settings)


def _load_task_instrument(page: PageContext, task: SurveyorTask) -> Instrument:
    with page.read() as work:
        point = get_assigned_point(work, point_id=task.point_id)
        return load_instrument(session=work.session, instrument_id=point.instrument_id)


def _list_full_groups(page: PageContext, task: SurveyorTask) -> tuple[FullQuotaGroup, ...]:
    """Return full quota groups, whose interviews the form ends early; none without a database.

    Asked again with every interview that arrives. Without a database there are none, and the form
    with its answers stays on the screen.
    """
    try:
        with page.read() as work:
            point = get_assigned_point(work, point_id=task.point_id)
            return list_full_groups(
                session=work.session, wave_id=point.wave_id, city_code=point.city_code
            )
    except UNAVAILABLE_ERRORS:
        return ()


def _build_form_config(
    page: PageContext, task: SurveyorTask, instrument: Instrument, full: tuple[FullQuotaGroup, ...]
) -> InterviewFormConfig:
    is_venue = task.unit is StudyUnit.VENUE
    return InterviewFormConfig(
        instrument_sha256=instrument.sha256,
        languages=tuple(language.code for language in instrument.languages),
        point_id=task.point_id,
        place={code: f"{name} · {task.point_name}" for code, name in task.city_name.items()},
        is_demo=task.is_demo,
        draft_key=f"{page.principal.account_id.hex[-12:]}-{task.point_id.hex[-12:]}",
        full=full,
        phone={} if is_venue else phone_endpoint_config(page.settings),
        has_next=not is_venue,
    )
