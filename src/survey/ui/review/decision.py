"""Decisions on an interview: their buttons, the form for a reason, and the next interview."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

import streamlit as st

from survey.access.work import Work
from survey.fieldwork.dual_approval import SecondApproverRequiredError
from survey.fieldwork.lifecycle import STATUS_NAMES
from survey.fieldwork.review.decisions import allowed_transitions, decide
from survey.fieldwork.review.response_detail import ResponseDetail
from survey.fieldwork.review.review_queue import ReviewFilter, find_nearest
from survey.fieldwork.review_reasons import (
    MAX_NOTE,
    REASON_NAMES,
    REASONS_BY_STATUS,
    ReasonCode,
    ReviewReason,
)
from survey.locale import Message, Translator, msg
from survey.store.tables import Status
from survey.ui.feedback import perform
from survey.ui.page_runner import PageContext
from survey.ui.plan.second_person import MAX_NAMED_PEOPLE
from survey.ui.review.filters import INTERVIEW_PARAMETER
from survey.ui.review.undo import draw_undo_button, offer_undo
from survey.ui.text_blocks import escape_markdown

ACTIONS: Mapping[Status, tuple[Message, str, str]] = MappingProxyType(
    {
        Status.CITY_APPROVED: (msg("Approve"), "a", "check"),
        Status.APPROVED: (msg("Approve for good"), "a", "check"),
        Status.RETURNED: (msg("Send back"), "r", "undo"),
        Status.VOID: (msg("Take out"), "v", "block"),
        Status.SUBMITTED: (msg("Restore"), "u", "restore"),
    }
)
"""Label, key and icon of the button of each decision, by the state that it leads to."""
TAKE_BACK = msg("Take the approval back")
"""Label of the same step as "Restore", where an approval is what it reverses."""
_ASKING = "review/asking"
"""Interview and decision of which the reason is being asked for."""


@dataclass(frozen=True)
class _Decided:
    """Versions that a decision left behind, and the interview nearest to it in the selection."""

    versions: Mapping[UUID, int]
    near: UUID | None


def draw_decision_buttons(
    page: PageContext, interview: ResponseDetail, chosen: ReviewFilter, *, undoable: bool
) -> None:
    """Draw the decisions open to this reviewer.

    Their keys name the interview: a click on buttons that the next interview has replaced
    meanwhile decides nothing.

    Args:
        chosen: The selection, of which the nearest interview opens when a decision was made.
        undoable: Offer to undo the reviewer's own decision on this interview.
    """
    t = page.t
    steps = offered_transitions(page, interview)
    if interview.computed:
        st.caption(t("The figures of this wave are computed; its interviews stay as they are."))
        return
    if interview.needs_another:
        st.caption(t(SecondApproverRequiredError().message))
    if interview.second_approvers is not None:
        st.caption(escape_markdown(describe_second_approvers(t, interview.second_approvers)))
    if not steps and not undoable:
        st.caption(t("Nothing is left for you to decide here."))
        return
    with st.container(horizontal=True, key="review-actions"):
        if undoable:
            draw_undo_own(page, interview)
        for to in steps:
            _, key, icon = ACTIONS[to]
            approves = to not in REASONS_BY_STATUS
            st.button(
                f"{t(action_label(interview.status, to))} ({key.upper()})",
                key=decision_key(interview, to),
                type="primary" if approves else "secondary",
                icon=f":material/{icon}:",
                on_click=_run_approval if approves else _ask_for_reason,
                args=(page, interview, to, chosen) if approves else (interview.id, to),
            )
    asking = st.session_state.get(_ASKING)
    if asking is not None and asking[0] == interview.id and asking[1] in steps:
        _draw_reason_form(page, interview, asking[1], chosen)


def describe_second_approvers(t: Translator, names: Sequence[str]) -> str:
    """Say who gives the second approval, or how somebody comes to be able to."""
    if not names:
        return t(
            "Nobody else can give the second approval yet: an administrator makes an account with "
            "the role Final reviewer on Users and rights."
        )
    named = t(", ").join(names[:MAX_NAMED_PEOPLE])
    if len(names) <= MAX_NAMED_PEOPLE:
        return t("The second approval is given by {names}.", names=named)
    return t(
        "The second approval is given by {names}, or another of {count} people who may.",
        names=named,
        count=len(names),
    )


def draw_undo_own(page: PageContext, interview: ResponseDetail) -> None:
    """Draw the button that undoes the reader's own decision on the interview on the screen."""
    draw_undo_button(page, {interview.id: interview.version}, page.t("Undo my decision (Z)"))


def decision_key(interview: ResponseDetail, to: Status) -> str:
    """Return the key of the button that moves this interview to a state."""
    return f"review-{to.value}-{interview.id}"


def action_label(status: Status, to: Status) -> Message:
    """Return the label of the decision that moves an interview from `status` to `to`."""
    if status is Status.CITY_APPROVED and to is Status.SUBMITTED:
        return TAKE_BACK
    return ACTIONS[to][0]


def offered_transitions(page: PageContext, interview: ResponseDetail) -> tuple[Status, ...]:
    """Return the states into which this reviewer may move the interview, approval first."""
    if interview.computed:
        return ()
    steps = allowed_transitions(page.principal, interview.status)
    return tuple(to for to in steps if to is not Status.APPROVED or not interview.needs_another)


def _run_approval(
    page: PageContext, interview: ResponseDetail, to: Status, chosen: ReviewFilter
) -> None:
    _decide_on_interview(page, interview, to, chosen)


def _ask_for_reason(response_id: UUID, to: Status) -> None:
    st.session_state[_ASKING] = (response_id, to)


def _draw_reason_form(
    page: PageContext, interview: ResponseDetail, to: Status, chosen: ReviewFilter
) -> None:
    t = page.t
    prefix = f"{interview.id}/{to.value}"
    with st.form(f"review-reason/{prefix}"):
        pick_reason(page, to, prefix)
        with st.container(horizontal=True):
            st.form_submit_button(
                t(action_label(interview.status, to)),
                type="primary",
                key=f"review-confirm-{interview.id}",
                on_click=_decide_with_reason,
                args=(page, interview, to, chosen, prefix),
            )
            st.form_submit_button(t("Cancel"), key="review-cancel", on_click=_clear_reason_form)


def _clear_reason_form() -> None:
    st.session_state.pop(_ASKING, None)


def _decide_with_reason(
    page: PageContext, interview: ResponseDetail, to: Status, chosen: ReviewFilter, prefix: str
) -> None:
    _decide_on_interview(page, interview, to, chosen, prefix=prefix)


def _decide_on_interview(
    page: PageContext,
    interview: ResponseDetail,
    to: Status,
    chosen: ReviewFilter,
    *,
    prefix: str | None = None,
) -> None:
    """Decide on one interview; `prefix` names the fields of its reason, if it has one."""

    def change(work: Work) -> _Decided:
        reason = None if prefix is None else entered_reason(prefix)
        version = decide(
            work, response_id=interview.id, expected_version=interview.version, to=to, reason=reason
        )
        erased = reason is not None and reason.code is ReasonCode.WITHDRAWN
        near = find_nearest(work, chosen=chosen, spot=interview.spot)
        return _Decided({} if erased else {interview.id: version}, near)

    done = page.t("Now {state}.", state=page.t(STATUS_NAMES[to]))
    _perform_and_open_next(page, change, done, stay=interview.id, prefix=prefix)


def open_interview(response_id: UUID | None) -> None:
    """Put an interview on the screen; None for the first of the selection."""
    if response_id is None:
        st.query_params.pop(INTERVIEW_PARAMETER, None)
    else:
        st.query_params[INTERVIEW_PARAMETER] = str(response_id)
    st.session_state.pop(_ASKING, None)


def pick_reason(page: PageContext, to: Status, prefix: str) -> None:
    """Draw the fields for the reason of a decision."""
    t = page.t
    st.selectbox(
        t("Reason"),
        REASONS_BY_STATUS[to],
        format_func=lambda code: t(REASON_NAMES[code]),
        key=f"reason/{prefix}",
    )
    label = t("Note to the surveyor") if to is Status.RETURNED else t("Note")
    st.text_area(label, key=_build_note_key(prefix), height=80, max_chars=MAX_NOTE)


def entered_reason(prefix: str) -> ReviewReason:
    """Return the reason that was entered in the fields of `prefix`."""
    code: ReasonCode = st.session_state[f"reason/{prefix}"]
    return ReviewReason.from_form(code, _get_entered_note(prefix))


def _build_note_key(prefix: str) -> str:
    return f"note/{prefix}"


def _get_entered_note(prefix: str) -> str:
    return st.session_state.get(_build_note_key(prefix)) or ""


def _perform_and_open_next(
    page: PageContext,
    change: Callable[[Work], _Decided],
    done: str,
    *,
    stay: UUID,
    prefix: str | None,
) -> None:
    """Perform a decision, offer to undo it, and open the nearest interview of the selection.

    If it fails, the interview `stay` remains on the screen, below a message that repeats the note
    entered in the fields of `prefix`.
    """
    t = page.t
    hints = [
        t(
            "Nothing was changed. Below is the interview as it stands now, with its history at "
            "the end."
        )
    ]
    note = _get_entered_note(prefix) if prefix is not None else ""
    if note:
        hints.append(t("Your note was: {note}", note=note))
    made = perform(page, change, hints=hints)
    if made:
        offer_undo(made.value.versions, done)
        open_interview(made.value.near)
    else:
        st.query_params[INTERVIEW_PARAMETER] = str(stay)
