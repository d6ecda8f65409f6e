"""What a decision needs on the screen and what became of it: reason, next interview, message."""

from collections.abc import Callable
from uuid import UUID

import streamlit as st

from survey.fieldwork.review_reasons import (
    MAX_NOTE,
    REASON_NAMES,
    REASONS_BY_STATUS,
    ReasonCode,
    ReviewReason,
)
from survey.locale import SurveyError, Translator
from survey.store.tables import Status
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext

INTERVIEW_PARAMETER = "interview"
"""The address names the interview on the screen: `?interview=<id>`."""
ASKING = "review/asking"
"""The interview and the move that a reason is asked for."""
_SUMMARY, _PROBLEM = "review/done", "review/problem"


def requested_id() -> UUID | None:
    """The interview that the address names, if it names one."""
    try:
        return UUID(st.query_params[INTERVIEW_PARAMETER])
    except (KeyError, ValueError):
        return None


def open_interview(response_id: UUID | None) -> None:
    if response_id is None:
        st.query_params.pop(INTERVIEW_PARAMETER, None)
    else:
        st.query_params[INTERVIEW_PARAMETER] = str(response_id)
    st.session_state.pop(ASKING, None)


def pick_reason(page: PageContext, to: Status, place: str) -> None:
    t = page.t
    st.selectbox(
        t("Reason"),
        REASONS_BY_STATUS[to],
        format_func=lambda code: t(REASON_NAMES[code]),
        key=f"reason/{place}",
    )
    label = t("Note to the surveyor") if to is Status.RETURNED else t("Note")
    st.text_area(label, key=f"note/{place}", height=80, max_chars=MAX_NOTE)


def entered_reason(place: str) -> ReviewReason:
    code: ReasonCode = st.session_state[f"reason/{place}"]
    return ReviewReason.from_form(code, st.session_state.get(f"note/{place}") or "")


def run_and_open_next(
    page: PageContext,
    act: Callable[[], object],
    done: str,
    *,
    after: UUID | None,
    stay: UUID | None = None,
    note: str = "",
) -> None:
    """Do it and go on to `after`; what cannot be done is said, with what was typed, at `stay`."""
    try:
        act()
    except SurveyError as error:
        st.session_state[_PROBLEM] = (page.t(error.message), note)
        if stay is not None:
            st.query_params[INTERVIEW_PARAMETER] = str(stay)
        return
    st.session_state[_SUMMARY] = done
    open_interview(after)


def show_feedback(t: Translator) -> None:
    done = st.session_state.pop(_SUMMARY, None)
    if done is not None:
        st.toast(done)
    problem = st.session_state.pop(_PROBLEM, None)
    if problem is not None:
        words, note = problem
        kept = t("Your note was: {note}", note=note) if note else ""
        draw_notice(
            words, t("Nothing was changed. Below is the interview as it stands now, with its "
                     "history at the end."), kept,
        )  # fmt: skip
