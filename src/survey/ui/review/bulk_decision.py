"""Decision on all interviews of a selection: a dialog with preview and confirmation."""

from collections.abc import Mapping
from html import escape
from types import MappingProxyType
from uuid import UUID

import streamlit as st

from survey.access.work import Work
from survey.fieldwork.lifecycle import STATUS_NAMES
from survey.fieldwork.review.decisions import (
    BulkPreview,
    allowed_transitions,
    decide_many,
    preview_bulk_decision,
)
from survey.fieldwork.review.review_queue import REVIEWABLE
from survey.fieldwork.review_reasons import REASONS_BY_STATUS
from survey.locale import Message, Translator, msg
from survey.store.tables import Status
from survey.ui.feedback import perform, show_feedback, show_problems
from survey.ui.page_runner import PageContext, open_dialog
from survey.ui.review.decision import ACTIONS, entered_reason, open_interview, pick_reason
from survey.ui.review.filters import ReviewSelection
from survey.ui.review.undo import offer_undo
from survey.ui.text_blocks import escape_markdown

_DONE = "review/many-done"
"""Set after a bulk decision: the dialog closes and the whole page is drawn anew."""
_IN_DIALOG = "many"
_NEXT_STEPS: Mapping[Status, Message] = MappingProxyType(
    {
        Status.CITY_APPROVED: msg("Next, the association looks at them and approves for good."),
        Status.APPROVED: msg("Next, they are part of the figures when the wave is frozen."),
        Status.RETURNED: msg("Next, their surveyors see them under My tasks and correct them."),
        Status.VOID: msg("They count no more and give their quota places back."),
        Status.SUBMITTED: msg("Next, they wait in the review queue again and count."),
    }
)


def draw_bulk_decision(page: PageContext, choice: ReviewSelection) -> None:
    """Draw the button that opens the dialog for a decision on the whole selection."""
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
        _list_bulk_steps(page),
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


def _list_bulk_steps(page: PageContext) -> list[Status]:
    possible = {to for status in REVIEWABLE for to in allowed_transitions(page.principal, status)}
    return [to for to in ACTIONS if to in possible]


def preview_text(t: Translator, seen: BulkPreview) -> str:
    """Render the numbers of interviews that would change and that would stay."""
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
    made = perform(page, change, slot=_IN_DIALOG)
    if made:
        offer_undo(made.value, done)
        open_interview(None)
        st.session_state[_DONE] = True
