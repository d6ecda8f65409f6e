"""The buttons below an interview, and the reason that some of them ask for."""

from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

import streamlit as st

from survey.fieldwork.lifecycle import STATUS_NAMES
from survey.fieldwork.reasons import REASONS, Reason
from survey.fieldwork.review import Interview, decide, next_steps
from survey.fieldwork.second_person import SamePerson
from survey.locale import Message, msg
from survey.store.repeating import write
from survey.store.tables import Status, now
from survey.ui.page import Visit
from survey.ui.review.outcome import ASKING, act_and_go_on, given_reason, pick_reason
from survey.ui.session import signed_in

ACTIONS: Mapping[Status, tuple[Message, str, str]] = MappingProxyType(
    {
        Status.CITY_APPROVED: (msg("Approve"), "a", "check"),
        Status.APPROVED: (msg("Approve for good"), "a", "check"),
        Status.RETURNED: (msg("Send back"), "r", "undo"),
        Status.VOID: (msg("Take out"), "v", "block"),
        Status.SUBMITTED: (msg("Restore"), "u", "restore"),
    }
)
"""By the state that it leads to: what the button says, its key, its picture."""


def buttons(visit: Visit, interview: Interview, *, after: UUID | None) -> None:
    """What this reviewer may do with the interview; `after` comes on the screen next."""
    t = visit.t
    steps = steps_for(visit, interview)
    if interview.computed:
        st.caption(t("The figures of this wave are computed; its interviews stay as they are."))
        return
    if interview.needs_another:
        st.caption(t(SamePerson().message))
    if not steps:
        st.caption(t("Nothing is left for you to decide here."))
        return
    with st.container(horizontal=True, key="review-actions"):
        for to in steps:
            name, key, icon = ACTIONS[to]
            approves = to not in REASONS
            st.button(
                f"{t(name)} ({key.upper()})",
                key=f"review-{to.value}",
                type="primary" if approves else "secondary",
                icon=f":material/{icon}:",
                on_click=_approve if approves else _ask_why,
                args=(visit, interview, to, after) if approves else (interview.id, to),
            )
    asking = st.session_state.get(ASKING)
    if asking is not None and asking[0] == interview.id and asking[1] in steps:
        _reason_form(visit, interview, asking[1], after)


def steps_for(visit: Visit, interview: Interview) -> tuple[Status, ...]:
    """What this reviewer may do with this interview, approval first."""
    if interview.computed:
        return ()
    steps = next_steps(visit.principal, interview.status)
    return tuple(to for to in steps if to is not Status.APPROVED or not interview.needs_another)


def _approve(visit: Visit, interview: Interview, to: Status, after: UUID | None) -> None:
    act_and_go_on(
        visit,
        lambda: _decide(visit, interview, to, None),
        _said(visit, to),
        after=after,
        stay=interview.id,
    )


def _ask_why(response_id: UUID, to: Status) -> None:
    st.session_state[ASKING] = (response_id, to)


def _reason_form(visit: Visit, interview: Interview, to: Status, after: UUID | None) -> None:
    t = visit.t
    place = f"{interview.id}/{to.value}"
    with st.form(f"review-reason/{place}"):
        pick_reason(visit, to, place)
        with st.container(horizontal=True):
            st.form_submit_button(
                t(ACTIONS[to][0]), type="primary", key="review-confirm",
                on_click=_decide_with_reason, args=(visit, interview, to, after, place),
            )  # fmt: skip
            st.form_submit_button(t("Cancel"), key="review-cancel", on_click=_forget)


def _forget() -> None:
    st.session_state.pop(ASKING, None)


def _decide_with_reason(
    visit: Visit, interview: Interview, to: Status, after: UUID | None, place: str
) -> None:
    note = st.session_state.get(f"note/{place}") or ""
    act_and_go_on(
        visit, lambda: _decide(visit, interview, to, given_reason(place)), _said(visit, to), after=after,
        stay=interview.id, note=note,
    )  # fmt: skip


def _decide(visit: Visit, interview: Interview, to: Status, reason: Reason | None) -> None:
    principal = signed_in(visit.settings)
    write(
        visit.settings.store_url,
        lambda session: decide(
            session=session, principal=principal, response_id=interview.id,
            expected_version=interview.version, to=to, reason=reason, now=now(),
        ),
    )  # fmt: skip


def _said(visit: Visit, to: Status) -> str:
    return visit.t("Now {state}.", state=visit.t(STATUS_NAMES[to]))
