"""Decisions on one interview or many: buttons, reason, undo, next interview."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from html import escape
from uuid import UUID

import streamlit as st

from survey.access.work import Work
from survey.kit.feedback import run_change, show_feedback, show_problems
from survey.kit.page_runner import PageContext, open_dialog
from survey.kit.signing import MAX_NAMED_PEOPLE
from survey.kit.text_blocks import escape_markdown
from survey.locale import Message, Translator, msg
from survey.review.decisions import (
    BulkPreview,
    allowed_transitions,
    decide,
    decide_many,
    preview_bulk_decision,
)
from survey.review.response_detail import ResponseDetail
from survey.review.review_queue import REVIEWABLE, ReviewFilter, find_nearest
from survey.review.undo import undo_decision
from survey.screens.review.filters import INTERVIEW_PARAMETER, ReviewSelection
from survey.store.tables import Status, StudyUnit, now
from survey.waves.dual_approval import SecondApproverRequiredError
from survey.waves.lifecycle import STATUS_NAMES
from survey.waves.review_reasons import (
    MAX_NOTE,
    REASON_NAMES,
    REASONS_BY_STATUS,
    ReasonCode,
    ReviewReason,
)

UNDO_KEY = "review-undo"
_OFFER = "review/undo-offer"
_OFFERED_FOR = timedelta(seconds=10)
"""As long as the style sheet of the pages shows the line."""


@dataclass(frozen=True)
class _UndoOffer:
    """Decision that can be undone: message, time, and `interview id -> version after it`."""

    versions: Mapping[UUID, int]
    text: str
    made_at: datetime


def offer_undo(versions: Mapping[UUID, int], text: str) -> None:
    """Keep a decision's message, with an offer to undo it; `versions`: id -> version after it.

    Args:
        versions: The version in which the decision left each interview.
    """
    st.session_state[_OFFER] = _UndoOffer(versions, text, now())


def is_undo_offered() -> bool:
    """Return whether the message of a decision that can be undone is still shown."""
    offer: _UndoOffer | None = st.session_state.get(_OFFER)
    return offer is not None and bool(offer.versions) and _is_fresh(offer)


def _is_fresh(offer: _UndoOffer) -> bool:
    return now() - offer.made_at < _OFFERED_FOR


def draw_undo_offer(page: PageContext) -> None:
    """Draw the message about the last decision and its undo button, for ten seconds."""
    offer: _UndoOffer | None = st.session_state.get(_OFFER)
    if offer is None or not _is_fresh(offer):
        st.session_state.pop(_OFFER, None)
        return
    # A name of its own for each decision, so that the browser counts its ten seconds anew.
    key = f"review-undo-offer-{offer.made_at:%H%M%S%f}"
    with st.container(horizontal=True, vertical_alignment="center", key=key):
        text = page.t("Just decided: {what}", what=offer.text)
        st.html(f'<span role="status">{escape(text)}</span>')
        if offer.versions:
            draw_undo_button(page, offer.versions, page.t("Undo (Z)"))


def draw_undo_button(page: PageContext, versions: Mapping[UUID, int], label: str) -> None:
    """Draw the button that undoes a decision; `versions`: interview id -> version after it."""
    st.button(
        label, key=UNDO_KEY, icon=":material/undo:", on_click=_undo_decision, args=(page, versions)
    )


def _undo_decision(page: PageContext, versions: Mapping[UUID, int]) -> None:
    done = page.t(
        "Undone: {count} interviews stand where they stood before.", count=f"{len(versions):,}"
    )
    st.session_state.pop(_OFFER, None)
    undone = run_change(page, partial(undo_decision, versions=versions), done=done)
    if undone and len(versions) == 1:
        st.query_params[INTERVIEW_PARAMETER] = str(*versions)


ACTIONS: Mapping[Status, tuple[Message, str, str]] = {
    Status.CITY_APPROVED: (msg("Approve"), "a", "check"),
    Status.APPROVED: (msg("Approve for good"), "a", "check"),
    Status.RETURNED: (msg("Send back"), "r", "undo"),
    Status.VOID: (msg("Take out"), "v", "block"),
    Status.SUBMITTED: (msg("Restore"), "u", "restore"),
}
"""Label, key and icon of the button of each decision, by the state that it leads to."""
TAKE_BACK = msg("Take the approval back")
"""Label of the same step as "Restore", where an approval is what it reverses."""
_ASKING = "review/asking"
"""Interview and decision of which the reason is being asked for."""


def draw_decision_buttons(
    page: PageContext, interview: ResponseDetail, chosen: ReviewFilter, *, undoable: bool
) -> None:
    """Draw a button per decision open to this reviewer; the next interview of `chosen` then opens.

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
                on_click=_decide_on_interview if approves else _ask_for_reason,
                args=(page, interview, to, chosen) if approves else (interview.id, to),
            )
    asking = st.session_state.get(_ASKING)
    if asking is not None and asking[0] == interview.id and asking[1] in steps:
        _draw_reason_form(page, interview, asking[1], chosen)


def describe_second_approvers(t: Translator, names: Sequence[str]) -> str:
    """Return a sentence that names people who can approve second, or says there are none."""
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
    """Draw the button that undoes the reader's own decision on this interview."""
    draw_undo_button(page, {interview.id: interview.version}, page.t("Undo my decision (Z)"))


def decision_key(interview: ResponseDetail, to: Status) -> str:
    """Return the widget key of the button that moves an interview to the state `to`."""
    return f"review-{to.value}-{interview.id}"


def action_label(status: Status, to: Status) -> Message:
    """Return the label of the decision that moves an interview from state `status` to `to`."""
    if status is Status.CITY_APPROVED and to is Status.SUBMITTED:
        return TAKE_BACK
    return ACTIONS[to][0]


def offered_transitions(page: PageContext, interview: ResponseDetail) -> tuple[Status, ...]:
    """Return the states to which this reviewer may move the interview, approval first."""
    if interview.computed:
        return ()
    unit = StudyUnit(interview.instrument.unit)
    steps = allowed_transitions(page.principal, interview.status, unit)
    return tuple(to for to in steps if to is not Status.APPROVED or not interview.needs_another)


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
                on_click=_decide_on_interview,
                args=(page, interview, to, chosen, prefix),
            )
            st.form_submit_button(t("Cancel"), key="review-cancel", on_click=_clear_reason_form)


def _clear_reason_form() -> None:
    st.session_state.pop(_ASKING, None)


def _decide_on_interview(
    page: PageContext,
    interview: ResponseDetail,
    to: Status,
    chosen: ReviewFilter,
    prefix: str | None = None,
) -> None:
    """Decide on one interview, offer to undo it, and open the next one of selection `chosen`.

    If it fails, the interview remains on the screen, below a message that repeats its note.

    Args:
        prefix: Names the fields of its reason, if it has one.
    """
    t = page.t

    def change(work: Work) -> tuple[dict[UUID, int], UUID | None]:
        reason = None if prefix is None else entered_reason(prefix)
        version = decide(
            work, response_id=interview.id, expected_version=interview.version, to=to, reason=reason
        )
        erased = reason is not None and reason.code is ReasonCode.WITHDRAWN
        near = find_nearest(work, chosen=chosen, spot=interview.spot)
        return {} if erased else {interview.id: version}, near

    hints = [
        t(
            "Nothing was changed. Below is the interview as it stands now, with its history at "
            "the end."
        )
    ]
    note = _get_entered_note(prefix) if prefix is not None else ""
    if note:
        hints.append(t("Your note was: {note}", note=note))
    made = run_change(page, change, hints=hints, drawn=[interview])
    if made:
        versions, near = made.value
        offer_undo(versions, t("Now {state}.", state=t(STATUS_NAMES[to])))
        open_interview(near)
    else:
        st.query_params[INTERVIEW_PARAMETER] = str(interview.id)


def open_interview(response_id: UUID | None) -> None:
    """Show an interview in the next run; for None the first of the selection."""
    if response_id is None:
        st.query_params.pop(INTERVIEW_PARAMETER, None)
    else:
        st.query_params[INTERVIEW_PARAMETER] = str(response_id)
    st.session_state.pop(_ASKING, None)


def pick_reason(page: PageContext, to: Status, prefix: str) -> None:
    """Draw the fields for reason and note of a decision; their keys contain `prefix`."""
    t = page.t
    st.selectbox(
        t("Reason"),
        REASONS_BY_STATUS[to],
        format_func=lambda code: t(REASON_NAMES[code]),
        key=f"reason/{prefix}",
    )
    label = t("Note to the surveyor") if to is Status.RETURNED else t("Note")
    st.text_area(label, key=f"note/{prefix}", height=80, max_chars=MAX_NOTE)


def entered_reason(prefix: str) -> ReviewReason:
    """Return the reason entered in the fields that `pick_reason` drew for `prefix`."""
    code: ReasonCode = st.session_state[f"reason/{prefix}"]
    return ReviewReason.from_form(code, _get_entered_note(prefix))


def _get_entered_note(prefix: str) -> str:
    return st.session_state.get(f"note/{prefix}") or ""


_DONE = "review/many-done"
"""Set after a bulk decision: the dialog closes and the whole page is drawn anew."""
_IN_DIALOG = "many"
_NEXT_STEPS: Mapping[Status, Message] = {
    Status.CITY_APPROVED: msg("Next, the association looks at them and approves for good."),
    Status.APPROVED: msg("Next, they are part of the figures when the wave is frozen."),
    Status.RETURNED: msg("Next, their surveyors see them under My tasks and correct them."),
    Status.VOID: msg("They count no more and give their quota places back."),
    Status.SUBMITTED: msg("Next, they wait in the review queue again and count."),
}


def draw_bulk_decision(page: PageContext, choice: ReviewSelection) -> None:
    """Draw the button of the dialog that decides on all interviews of selection `choice`."""
    st.session_state.pop(_DONE, None)
    label = page.t("Decide on everything in this selection")

    def draw() -> None:
        if st.session_state.pop(_DONE, False):
            st.rerun()
        show_feedback(page, _IN_DIALOG)
        _draw_dialog(page, choice)

    if st.button(f"{label} …", key="review-many"):
        open_dialog(page, label, draw)


def _draw_dialog(page: PageContext, choice: ReviewSelection) -> None:
    t = page.t
    st.markdown(f"**{escape_markdown(choice.wave.label(page.language))}**")
    to = st.selectbox(
        t("What should happen"),
        _list_bulk_steps(page, choice),
        format_func=lambda step: t(ACTIONS[step][0]),
        key=f"many/to/{page.language}",
    )
    with show_problems(t):
        with page.read() as work:
            seen = preview_bulk_decision(work, chosen=choice.filter, to=to)
        if seen.flagged:
            st.warning(
                t(
                    "{count} of them look odd to a detector. "
                    "Please look at these one by one first.",
                    count=f"{seen.flagged:,}",
                )
            )
        st.html(preview_text(t, seen))
        if seen.total:
            st.caption(t(_NEXT_STEPS[to]))
            _draw_bulk_confirmation(page, choice, seen)


def _list_bulk_steps(page: PageContext, choice: ReviewSelection) -> list[Status]:
    """Return what could be done with some of the selection, approval first."""
    states = REVIEWABLE if choice.filter.status is None else [choice.filter.status]
    possible = {
        to
        for status in states
        for to in allowed_transitions(page.principal, status, choice.wave.unit)
    }
    return [to for to in ACTIONS if to in possible]


def preview_text(t: Translator, seen: BulkPreview) -> str:
    """Return HTML on how many interviews the bulk decision `seen` would change and how many not."""
    lines = [
        t("{count} {state}: will be changed", count=f"{total:,}", state=t(STATUS_NAMES[status]))
        for status, total in seen.allowed.items()
    ] + [
        t("{count} {state}: stay as they are", count=f"{total:,}", state=t(STATUS_NAMES[status]))
        for status, total in seen.not_allowed.items()
    ]
    if seen.self_approved:
        lines.append(
            t(
                "{count} of these you approved for the city: another person decides",
                count=f"{seen.self_approved:,}",
            )
        )
    if not lines:
        lines = [t("There is nothing in this selection.")]
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _draw_bulk_confirmation(page: PageContext, choice: ReviewSelection, seen: BulkPreview) -> None:
    t, prefix = page.t, f"many/{seen.to.value}"
    with st.form(f"review-{prefix}"):
        if seen.to in REASONS_BY_STATUS:
            pick_reason(page, seen.to, prefix)
        st.form_submit_button(
            t(
                "{action}: {count} interviews",
                action=t(ACTIONS[seen.to][0]),
                count=f"{seen.total:,}",
            ),
            type="primary",
            key="review-many-confirm",
            on_click=_decide_many,
            args=(page, choice, seen, prefix),
        )


def _decide_many(
    page: PageContext, choice: ReviewSelection, seen: BulkPreview, prefix: str
) -> None:
    def change(work: Work) -> dict[UUID, int]:
        return decide_many(
            work,
            chosen=choice.filter,
            seen=seen,
            reason=entered_reason(prefix) if seen.to in REASONS_BY_STATUS else None,
        )

    done = page.t(
        "{count} interviews: now {state}.",
        count=f"{seen.total:,}",
        state=page.t(STATUS_NAMES[seen.to]),
    )
    made = run_change(page, change, slot=_IN_DIALOG)
    if made:
        offer_undo(made.value, done)
        open_interview(None)
        st.session_state[_DONE] = True
