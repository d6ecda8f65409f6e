"""Task of an observer: what to do at one venue, and whether the visit has been sent."""

import streamlit as st

from survey.context.experience_checks.venues import VENUE_TYPE_NAMES
from survey.fieldwork.assignments import SurveyorTask
from survey.fieldwork.venue_visits import get_scenario
from survey.ui.navigation import PAGES_BY_KEY, PageKey
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext


def name_venue_type(page: PageContext, task: SurveyorTask) -> str:
    """Return the type of the venue in words."""
    known = VENUE_TYPE_NAMES.get(task.stratum)
    return page.t(known) if known else task.stratum


def draw_venue_task(page: PageContext, task: SurveyorTask) -> None:
    """Draw the scenario of a venue, with the way to its checklist."""
    t = page.t
    if task.is_done:
        draw_visit_sent(page, task)
        return
    draw_scenario(page, task)
    st.page_link(
        PAGES_BY_KEY[PageKey.INTERVIEW].path,
        label=t("Fill in the checklist of this venue"),
        query_params={"point": f"{task.wave_key}/{task.point_code}"},
    )


def draw_scenario(page: PageContext, task: SurveyorTask) -> None:
    """Draw what the observer is to do, and that the visit is anonymous and blind."""
    with page.read() as work:
        scenario = get_scenario(work, point_id=task.point_id)
    heading = page.t("Scenario")
    st.markdown(f"**{heading}**")
    st.write(scenario)
    st.caption(
        page.t(
            "Visit as any consumer would, without saying who you are. Another observer visits this "
            "venue too; please do not talk about what you saw before both have sent it."
        )
    )


def draw_visit_sent(page: PageContext, task: SurveyorTask) -> None:
    """Draw that nothing is left to do at this venue."""
    t = page.t
    draw_notice(
        t("Your visit of {venue} has arrived", venue=task.point_name),
        t("Nothing is left to do here, unless a revisit is ordered. Thank you!"),
    )
