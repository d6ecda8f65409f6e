"""The buttons below an interview, and the reason that some of them ask for."""

from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

import streamlit as st

from survey.fieldwork.dual_approval import SecondApproverRequiredError
from survey.fieldwork.lifecycle import STATUS_NAMES
from survey.fieldwork.review import ResponseDetail, allowed_transitions, decide
from survey.fieldwork.review_reasons import REASONS_BY_STATUS, ReviewReason
from survey.locale import Message, msg
from survey.store.tables import Status, now
from survey.store.transactions import run_in_transaction
from survey.ui.current_principal import require_principal
from survey.ui.page_runner import PageContext
from survey.ui.review.outcome import ASKING, entered_reason, pick_reason, run_and_open_next

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


def draw_decision_buttons(
    page: PageContext, interview: ResponseDetail, *, after: UUID | None
) -> None:
    """What this reviewer may do with the interview; `after` comes on the screen next."""
    t = page.t
    steps = offered_transitions(page, interview)
    if interview.computed:
        st.caption(t("The figures of this wave are computed; its interviews stay as they are."))
        return
    if interview.needs_another:
        st.caption(t(SecondApproverRequiredError().message))
    if not steps:
        st.caption(t("Nothing is left for you to decide here."))
        return
    with st.container(horizontal=True, key="review-actions"):
        for to in steps:
            name, key, icon = ACTIONS[to]
            approves = to not in REASONS_BY_STATUS
            st.button(
                f"{t(name)} ({key.upper()})",
                key=f"review-{to.value}",
                type="primary" if approves else "secondary",
                icon=f":material/{icon}:",
                on_click=_run_approval if approves else _ask_for_reason,
                args=(page, interview, to, after) if approves else (interview.id, to),
            )
    asking = st.session_state.get(ASKING)
    if asking is not None and asking[0] == interview.id and asking[1] in steps:
        _draw_reason_form(page, interview, asking[1], after)


def offered_transitions(page: PageContext, interview: ResponseDetail) -> tuple[Status, ...]:
    """What this reviewer may do with this interview, approval first."""
    if interview.computed:
        return ()
    steps = allowed_transitions(page.principal, interview.status)
    return tuple(to for to in steps if to is not Status.APPROVED or not interview.needs_another)


def _run_approval(
    page: PageContext, interview: ResponseDetail, to: Status, after: UUID | None
) -> None:
    run_and_open_next(
        page,
        lambda: _run_decision(page, interview, to, None),
        _state_text(page, to),
        after=after,
        stay=interview.id,
    )


def _ask_for_reason(response_id: UUID, to: Status) -> None:
    st.session_state[ASKING] = (response_id, to)


def _draw_reason_form(
    page: PageContext, interview: ResponseDetail, to: Status, after: UUID | None
) -> None:
    t = page.t
    place = f"{interview.id}/{to.value}"
    with st.form(f"review-reason/{place}"):
        pick_reason(page, to, place)
        with st.container(horizontal=True):
            st.form_submit_button(
                t(ACTIONS[to][0]), type="primary", key="review-confirm",
                on_click=_decide_with_reason, args=(page, interview, to, after, place),
            )  # fmt: skip
            st.form_submit_button(t("Cancel"), key="review-cancel", on_click=_clear_reason_form)


def _clear_reason_form() -> None:
    st.session_state.pop(ASKING, None)


def _decide_with_reason(
    page: PageContext, interview: ResponseDetail, to: Status, after: UUID | None, place: str
) -> None:
    note = st.session_state.get(f"note/{place}") or ""
    run_and_open_next(
        page, lambda: _run_decision(page, interview, to, entered_reason(place)),
        _state_text(page, to), after=after,
        stay=interview.id, note=note,
    )  # fmt: skip


def _run_decision(
    page: PageContext, interview: ResponseDetail, to: Status, reason: ReviewReason | None
) -> None:
    principal = require_principal(page.settings)
    run_in_transaction(
        page.settings.store_url,
        lambda session: decide(
            session=session, principal=principal, response_id=interview.id,
            expected_version=interview.version, to=to, reason=reason, now=now(),
        ),
    )  # fmt: skip


def _state_text(page: PageContext, to: Status) -> str:
    return page.t("Now {state}.", state=page.t(STATUS_NAMES[to]))
