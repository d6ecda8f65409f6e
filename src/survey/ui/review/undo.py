"""Offer to undo the last decision: a line with a button, for ten seconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from uuid import UUID

import streamlit as st

from survey.access.work import Work
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

    versions: Mapping[UUID, int]
    text: str
    made_at: datetime


def offer_undo(versions: Mapping[UUID, int], text: str) -> None:
    """Say what was decided in the next runs of the page, and offer to undo it.

    Args:
        versions: The version in which the decision left each interview.
    """
    st.session_state[_OFFER] = _UndoOffer(versions, text, now())


def is_undo_offered() -> bool:
    """Whether a decision was made a moment ago that its maker may undo."""
    offer: _UndoOffer | None = st.session_state.get(_OFFER)
    return offer is not None and bool(offer.versions) and _is_fresh(offer)


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
        if offer.versions:
            draw_undo_button(page, offer.versions, page.t("Undo (Z)"))


def draw_undo_button(page: PageContext, versions: Mapping[UUID, int], label: str) -> None:
    """Draw the button that undoes the decision that left these versions."""
    st.button(
        label, key=UNDO_KEY, icon=":material/undo:", on_click=_undo_decision, args=(page, versions)
    )


def _undo_decision(page: PageContext, versions: Mapping[UUID, int]) -> None:
    def change(work: Work) -> int:
        return undo_decision(work, versions=versions)

    done = page.t(
        "Undone: {count} interviews stand where they stood before.", count=f"{len(versions):,}"
    )
    st.session_state.pop(_OFFER, None)
    if perform(page, change, done=done) and len(versions) == 1:
        st.query_params[INTERVIEW_PARAMETER] = str(*versions)
