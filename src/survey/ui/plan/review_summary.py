"""Summary of the review of a wave, with the way to the pages where it is done."""

import streamlit as st

from survey.access.roles import Action
from survey.fieldwork.planning.review_counts import list_review_counts
from survey.fieldwork.planning.wave_overview import WaveOverview
from survey.fieldwork.waves import COMPUTED_STATES
from survey.publish.column_tables import format_for_screen
from survey.publish.views.display_names import DisplayNames
from survey.ui.navigation import PAGES_BY_KEY, PageKey, may_open
from survey.ui.page_runner import PageContext

_PAGES = (PageKey.REVIEW, PageKey.BACK_CHECK, PageKey.PROGRESS)


def draw_review_summary(page: PageContext, wave: WaveOverview) -> None:
    """Draw how many interviews of each city are approved and how many wait."""
    t, names = page.t, DisplayNames(page.language, None)
    if wave.state in COMPUTED_STATES:
        st.caption(
            t("The results are computed: what is published of the interviews is on their pages.")
        )
        return
    with page.read() as work:
        counts = list_review_counts(work, key=wave.key)
    if not counts:
        st.caption(t("There are no interviews yet."))
        return
    st.write(
        t(
            "{approved} interviews are approved, {waiting} wait for review, {flagged} of them were "
            "marked by the quality checks.",
            approved=f"{sum(city.approved for city in counts):,}",
            waiting=f"{sum(city.waiting for city in counts):,}",
            flagged=f"{sum(city.flagged for city in counts):,}",
        )
    )
    with st.container(horizontal=True):
        for key in _PAGES:
            info = PAGES_BY_KEY[key]
            if may_open(info, page.principal) and page.principal.may(Action.REVIEW):
                st.page_link(info.path, label=t(info.title), query_params={"wave": wave.key})
    st.dataframe(
        format_for_screen(
            {
                t("City"): [names.area(city.city_code) for city in counts],
                t("Approved"): [city.approved for city in counts],
                t("Waiting for review"): [city.waiting for city in counts],
                t("Marked among them"): [city.flagged for city in counts],
                t("Set aside"): [city.void for city in counts],
            }
        ),
        hide_index=True,
        alt=t("Review by city"),
    )
