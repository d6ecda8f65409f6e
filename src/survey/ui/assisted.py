"""An interview that the surveyor reads aloud, in the same form as the respondent's own."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from survey.fieldwork.assignments import assigned_point
from survey.fieldwork.instruments import load_instrument
from survey.fieldwork.places import FullGroup, full_groups
from survey.fieldwork.tasks import Task
from survey.instrument.model import Instrument
from survey.store.engine import read_scope
from survey.store.unavailable import UNAVAILABLE
from survey.ui.interview import Interview, interview_form
from survey.ui.page import Visit, fragment
from survey.ui.session import visitor
from survey.web.contact import phone_door
from survey.web.outcomes import Outcome, take_in

_SINCE = "interview-form/since"
"""Interviews received since the page itself last ran."""


def conduct(visit: Visit, task: Task) -> None:
    """Draw the form for the chosen point; what it sends is stored in the surveyor's name."""
    st.session_state[_SINCE] = 0
    _ask(visit, task, _instrument(visit, task))


@fragment()
def _ask(visit: Visit, task: Task, instrument: Instrument) -> None:
    """The part of the page that an arriving interview runs again, and nothing else."""
    t = visit.t
    count = st.empty()
    outcome = interview_form(
        _interview(visit, task, instrument, _full(visit, task)),
        key="interview-form",
        language=visit.language,
        elder=visit.screen.preferences.large,
        accept=partial(_accept, visit),
    )
    if outcome is not None and outcome.status == 200:
        st.session_state[_SINCE] += 1
        st.toast(t("The interview has been received."))
    count.caption(
        t(
            "You are at {point}. {mine} interviews today. The answers stay on this device until "
            "the platform has confirmed them.",
            point=task.point_name,
            mine=task.mine_today + st.session_state[_SINCE],
        )
    )


def _accept(visit: Visit, document: Mapping[str, Any]) -> Outcome:
    """Whoever is signed in at this moment: the page may have been drawn hours ago."""
    return take_in(document, visitor(visit.settings), visit.settings)


def _instrument(visit: Visit, task: Task) -> Instrument:
    with read_scope(visit.settings.store_url) as session:
        point = assigned_point(session=session, principal=visit.principal, point_id=task.point_id)
        return load_instrument(session=session, instrument_id=point.instrument_id)


def _full(visit: Visit, task: Task) -> tuple[FullGroup, ...]:
    """Asked again with every interview that arrives; without a database nobody is stopped early,
    and the form with what was answered stays on the screen."""
    try:
        with read_scope(visit.settings.store_url) as session:
            point = assigned_point(
                session=session, principal=visit.principal, point_id=task.point_id
            )
            return full_groups(session=session, wave_id=point.wave_id, city_code=point.city_code)
    except UNAVAILABLE:
        return ()


def _interview(
    visit: Visit, task: Task, instrument: Instrument, full: tuple[FullGroup, ...]
) -> Interview:
    return Interview(
        instrument_sha256=instrument.sha256,
        languages=tuple(language.code for language in instrument.languages),
        point_id=task.point_id,
        place={code: f"{name} · {task.point_name}" for code, name in task.city_name.items()},
        is_demo=task.is_demo,
        draft_key=f"{visit.principal.account_id.hex[-12:]}-{task.point_id.hex[-12:]}",
        full=full,
        phone=phone_door(visit.settings),
    )
