"""An interview that the surveyor reads aloud, in the same form as the respondent's own."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from survey.fieldwork.assignments import SurveyorTask, get_assigned_point
from survey.fieldwork.instruments import load_instrument
from survey.fieldwork.quota_counts import FullQuotaGroup, list_full_groups
from survey.instrument.model import Instrument
from survey.store.tables import StudyUnit
from survey.store.transactions import UNAVAILABLE_ERRORS
from survey.ui.browser_components import InterviewFormConfig, interview_form
from survey.ui.current_principal import find_current_principal
from survey.ui.page_runner import PageContext, page_fragment
from survey.ui.text_blocks import escape_markdown
from survey.ui.venue_task import draw_scenario, draw_visit_sent
from survey.web.api import phone_endpoint_config
from survey.web.submission_intake import PARKED, ApiResult, store_submission

_SINCE = "interview-form/since"
"""Interviews received since the page itself last ran."""


def draw_assisted_interview(page: PageContext, task: SurveyorTask) -> None:
    """Draw the form for the chosen point; what it sends is stored in the surveyor's name."""
    if task.unit is StudyUnit.VENUE:
        if task.is_done:
            draw_visit_sent(page, task)
            return
        draw_scenario(page, task)
    st.session_state[_SINCE] = 0
    _draw_interview(page, task, _load_task_instrument(page, task))


@page_fragment()
def _draw_interview(page: PageContext, task: SurveyorTask, instrument: Instrument) -> None:
    """Draw the form as a fragment: an arriving interview runs nothing else again."""
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
    """Store a submission as the person signed in now: the page may have been drawn hours ago."""
    return store_submission(document, find_current_principal(page.settings), page.settings)


def _load_task_instrument(page: PageContext, task: SurveyorTask) -> Instrument:
    with page.read() as work:
        point = get_assigned_point(work, point_id=task.point_id)
        return load_instrument(session=work.session, instrument_id=point.instrument_id)


def _list_full_groups(page: PageContext, task: SurveyorTask) -> tuple[FullQuotaGroup, ...]:
    """Return the quota groups that are full, for the form to stop early.

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
