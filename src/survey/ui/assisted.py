"""An interview that the surveyor reads aloud, in the same form as the respondent's own."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from survey.fieldwork.assignments import assigned_point
from survey.fieldwork.instruments import load_instrument
from survey.fieldwork.tasks import Task
from survey.instrument.model import Instrument
from survey.store.engine import read_scope
from survey.ui.interview import Interview, interview_form
from survey.ui.page import Visit
from survey.web.outcomes import Outcome, take_in


def conduct(visit: Visit, task: Task) -> None:
    """Draw the form for the chosen point; what it sends is stored in the surveyor's name."""
    t = visit.t
    instrument = _instrument(visit, task)
    st.caption(
        t(
            "You are at {point}. {mine} interviews today. The answers stay on this device until "
            "the platform has confirmed them.",
            point=task.point_name,
            mine=task.mine_today,
        )
    )
    outcome = interview_form(
        _interview(visit, task, instrument),
        key="interview-form",
        language=visit.language,
        elder=visit.screen.preferences.large,
        accept=partial(_accept, visit),
    )
    if outcome is not None and outcome.status == 200:
        st.toast(t("The interview has been received."))


def _accept(visit: Visit, document: Mapping[str, Any]) -> Outcome:
    return take_in(document, visit.principal, visit.settings)


def _instrument(visit: Visit, task: Task) -> Instrument:
    with read_scope(visit.settings.store_url) as session:
        point = assigned_point(session=session, principal=visit.principal, point_id=task.point_id)
        return load_instrument(session=session, instrument_id=point.instrument_id)


def _interview(visit: Visit, task: Task, instrument: Instrument) -> Interview:
    return Interview(
        instrument_sha256=instrument.sha256,
        languages=tuple(language.code for language in instrument.languages),
        point_id=task.point_id,
        place={code: f"{name} · {task.point_name}" for code, name in task.city_name.items()},
        is_demo=task.is_demo,
        draft_key=f"{visit.principal.account_id.hex[-12:]}-{task.point_id.hex[-12:]}",
    )
