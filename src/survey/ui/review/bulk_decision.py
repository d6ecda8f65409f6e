"""Decision on all interviews of a selection: a preview, a confirmation, the change."""

from html import escape

import streamlit as st
from sqlmodel import Session

from survey.access.principal import Principal
from survey.fieldwork.lifecycle import STATUS_NAMES
from survey.fieldwork.review.decisions import (
    BulkPreview,
    allowed_transitions,
    decide_many,
    preview_bulk_decision,
)
from survey.fieldwork.review.review_queue import REVIEWABLE
from survey.fieldwork.review_reasons import REASONS_BY_STATUS
from survey.locale import Translator
from survey.store.engine import read_scope
from survey.store.tables import Status, now
from survey.ui.feedback import show_problems
from survey.ui.page_runner import PageContext, page_fragment
from survey.ui.review.decision import (
    ACTIONS,
    entered_reason,
    perform_and_open_next,
    pick_reason,
)
from survey.ui.review.filters import ReviewSelection

AGAIN = "review/again"
"""Set after a bulk decision: the whole page is out of date, not only this fragment."""


@page_fragment()
def draw_bulk_decision(page: PageContext, choice: ReviewSelection) -> None:
    """Draw the decision on the whole selection: its preview, then its confirmation."""
    if st.session_state.pop(AGAIN, False):
        st.rerun()
    t = page.t
    expander = st.expander(
        t("Decide on everything in this selection"), key="review/many", on_change="rerun"
    )
    if not expander.open:
        return
    with expander:
        steps = _bulk_steps(page)
        to = st.selectbox(
            t("What should happen"), steps, format_func=lambda step: t(ACTIONS[step][0]),
            key=f"many/to/{page.language}",
        )  # fmt: skip
        with show_problems(t):
            with read_scope(page.settings.store_url) as session:
                seen = preview_bulk_decision(
                    session=session, principal=page.principal, chosen=choice.filter, to=to
                )
            st.html(preview_text(t, seen))
            if seen.total:
                _draw_bulk_confirmation(page, choice, seen)


def _bulk_steps(page: PageContext) -> list[Status]:
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
            t("{count} of these you approved for the city: another person decides",
              count=f"{seen.self_approved:,}")
        )  # fmt: skip
    if not lines:
        lines = [t("There is nothing in this selection.")]
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _draw_bulk_confirmation(page: PageContext, choice: ReviewSelection, seen: BulkPreview) -> None:
    t, prefix = page.t, f"many/{seen.to.value}"
    with st.form(f"review-{prefix}"):
        if seen.to in REASONS_BY_STATUS:
            pick_reason(page, seen.to, prefix)
        st.form_submit_button(
            t("{action}: {count} interviews", action=t(ACTIONS[seen.to][0]),
              count=f"{seen.total:,}"),
            type="primary", key="review-many-confirm",
            on_click=_decide_many, args=(page, choice, seen, prefix),
        )  # fmt: skip


def _decide_many(
    page: PageContext, choice: ReviewSelection, seen: BulkPreview, prefix: str
) -> None:
    def change(session: Session, principal: Principal) -> None:
        decide_many(
            session=session,
            principal=principal,
            chosen=choice.filter,
            seen=seen,
            reason=entered_reason(prefix) if seen.to in REASONS_BY_STATUS else None,
            now=now(),
        )

    done = page.t(
        "{count} interviews: now {state}.",
        count=f"{seen.total:,}",
        state=page.t(STATUS_NAMES[seen.to]),
    )
    perform_and_open_next(page, change, done, after=None, prefix=prefix)
    st.session_state[AGAIN] = True
