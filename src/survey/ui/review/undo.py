"""Offer to undo the last decision: a line with a button, for ten seconds."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from uuid import UUID

import streamlit as st
from sqlmodel import Session

from survey.access.principal import Principal
from survey.fieldwork.review.undo import undo_decision
from survey.store.tables import now
from survey.ui.feedback import perform
from survey.ui.page_runner import PageContext
from survey.ui.review.filters import INTERVIEW_PARAMETER

UNDO_KEY = "review-undo"
_OFFER = "review/undo-offer"
_OFFERED_FOR = timedelta(seconds=10)
"""As long as the style sheet of the pages shows the line."""


@dataclass(frozen=True)
class _UndoOffer:
    """What was just decided, on which interviews."""

    response_ids: tuple[UUID, ...]
    text: str
    made_at: datetime


def offer_undo(response_ids: tuple[UUID, ...], text: str) -> None:
    """Say what was decided in the next runs of the page, and offer to undo it."""
    st.session_state[_OFFER] = _UndoOffer(response_ids, text, now())


def is_undo_offered() -> bool:
    """Whether a decision was made a moment ago that its maker may undo."""
    offer: _UndoOffer | None = st.session_state.get(_OFFER)
    return offer is not None and bool(offer.response_ids) and _is_fresh(offer)


def _is_fresh(offer: _UndoOffer) -> bool:
    return now() - offer.made_at < _OFFERED_FOR


def draw_undo_offer(page: PageContext) -> None:
    """Draw the line about the last decision with its button, as long as it is fresh."""
    offer: _UndoOffer | None = st.session_state.get(_OFFER)
    if offer is None or not _is_fresh(offer):
        st.session_state.pop(_OFFER, None)
        return
    # A name of its own for each decision, so that the browser counts its ten seconds anew.
    key = f"review-undo-offer-{offer.made_at:%H%M%S%f}"
    with st.container(horizontal=True, vertical_alignment="center", key=key):
        text = page.t("Just decided: {what}", what=offer.text)
        st.html(f'<span role="status">{escape(text)}</span>')
        if offer.response_ids:
            draw_undo_button(page, offer.response_ids, page.t("Undo (Z)"))


def draw_undo_button(page: PageContext, response_ids: tuple[UUID, ...], label: str) -> None:
    """Draw the button that undoes the newest decision on these interviews."""
    st.button(
        label,
        key=UNDO_KEY,
        icon=":material/undo:",
        on_click=_undo_decision,
        args=(page, response_ids),
    )


def _undo_decision(page: PageContext, response_ids: tuple[UUID, ...]) -> None:
    def change(session: Session, principal: Principal) -> int:
        return undo_decision(
            session=session, principal=principal, response_ids=response_ids, now=now()
        )

    done = page.t(
        "Undone: {count} interviews stand where they stood before.", count=f"{len(response_ids):,}"
    )
    st.session_state.pop(_OFFER, None)
    if perform(page, change, done=done) and len(response_ids) == 1:
        st.query_params[INTERVIEW_PARAMETER] = str(response_ids[0])
