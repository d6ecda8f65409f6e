"""Choice of the cities that a city is compared with, kept for the city and not in the address."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from survey.access.roles import Action
from survey.access.work import Work
from survey.publish.views.city_peers import describe_peers, peer_candidates
from survey.results import WaveResults
from survey.results.chosen_peers import MAX_PEERS, choose_peers, list_chosen_peers, reset_peers
from survey.ui.feedback import perform_in_popover, show_feedback
from survey.ui.page_runner import PageContext
from survey.ui.results_cache import get_view

_MESSAGES, _CHOOSING = "city-peers", "city-peers/choosing"


def get_chosen_peers(page: PageContext, city: str) -> tuple[str, ...]:
    """Return the peers that a city has chosen; none to readers of another area."""
    if not page.principal.covers(city):
        return ()
    with page.read() as work:
        return list_chosen_peers(work, city_code=city)


def draw_peer_choice(
    page: PageContext, results: WaveResults, city: str, peers: tuple[str, ...]
) -> None:
    """Draw which cities a city is compared with and, to its officials, what changes them."""
    t, principal = page.t, page.principal
    if not principal.covers(city):
        return
    show_feedback(page, _MESSAGES)
    described = get_view(page, describe_peers, results, peers=peers)
    if not principal.may(Action.CHOOSE_PEERS):
        if peers:
            st.caption(described)
        return
    with st.container(
        horizontal=True, wrap=False, vertical_alignment="center", key="compact-city-peers-choice"
    ):
        st.caption(described)
        with (
            st.container(width="content"),
            st.popover(t("Choose cities to compare with"), type="tertiary", key="peers/choosing"),
        ):
            show_feedback(page, _CHOOSING)
            _draw_form(page, city, peers)


def _draw_form(page: PageContext, city: str, peers: tuple[str, ...]) -> None:
    t, candidates = page.t, peer_candidates(page.language, city)
    # A choice kept meanwhile by somebody else makes a new field, which begins with that choice.
    key = f"peers/{city}/{page.language}/{'-'.join(peers)}"
    chosen = st.multiselect(
        t("Cities to compare with, at most {most}", most=MAX_PEERS),
        list(candidates),
        default=[code for code in peers if code in candidates],
        format_func=candidates.__getitem__,
        max_selections=MAX_PEERS,
        placeholder=t("Please choose"),
        filter_mode="fuzzy",
        key=key,
    )
    st.caption(
        t(
            "Kept for this city until it is changed, for all its officials; every change is "
            "recorded. Figures of a city appear as soon as you may see them."
        )
    )
    with st.container(horizontal=True):
        st.button(
            t("Compare with these cities"),
            type="primary",
            disabled=not chosen,
            key=f"{key}/save",
            on_click=_change_peers,
            args=(page, partial(choose_peers, city_code=city, peers=chosen)),
        )
        st.button(
            t("Compare with cities of its size again"),
            disabled=not peers,
            key=f"{key}/reset",
            on_click=_change_peers,
            args=(page, partial(reset_peers, city_code=city)),
        )


def _change_peers(page: PageContext, service: Callable[..., None]) -> None:
    def run(work: Work) -> None:
        service(work)

    done = page.t("The cities to compare with are kept.")
    perform_in_popover(page, run, done=done, slot=_CHOOSING, top=_MESSAGES)
