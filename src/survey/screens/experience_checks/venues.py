"""Venues of a check: their list and draw, the observers, and how many visits were made."""

from functools import partial

import streamlit as st

from survey.experience_checks.reading import ExperienceCheckDetail, VenueRow
from survey.experience_checks.venues import (
    MAX_PER_TYPE,
    VenueList,
    assign_observers,
    cities_of_area,
    draw_venues,
    list_observers,
    read_venue_file,
    venue_sheet,
)
from survey.figures.views.experience_check import name_area, name_type
from survey.kit.cases import change_case, draw_case_button
from survey.kit.feedback import show_feedback
from survey.kit.list_entry import ListFile, draw_list_upload
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import MAX_LISTED_ROWS, draw_long_table
from survey.screens.experience_checks.findings import draw_venue_findings
from survey.store.tables import WaveState, now
from survey.waves.planning.point_shares import MAX_SEED


def draw_venues_tab(page: PageContext, check: ExperienceCheckDetail) -> None:
    """Draw venues the reader may see; in planned checks managers sample and assign observers."""
    t = page.t
    if check.venues:
        _draw_table(page, check)
    else:
        st.caption(t("Single venues are shown to those who are responsible for their city."))
    if not check.summary.may_manage or check.summary.state is not WaveState.PLANNED:
        return
    draw_list_upload(
        page,
        ListFile(
            f"venues-{check.summary.key}",
            t("List of venues (XLSX or CSV)"),
            f"experience-check/venues/{check.version}",
            ("xlsx", "csv"),
        ),
        template=lambda _: venue_sheet(cities_of_area(check.summary.area), page.language),
        read=partial(read_venue_file, wave_id=check.summary.id),
        confirm=partial(_confirm_draw, page, check),
    )
    if check.venues:
        _draw_observers(page, check)


def _draw_table(page: PageContext, check: ExperienceCheckDetail) -> None:
    t, is_own = page.t, check.summary.may_manage
    heads = [t("Venue"), t("Code"), t("City"), t("Type of venue"), t("Visits")]
    if is_own:
        heads.append(t("Observers"))
    draw_long_table(
        heads,
        [_format_venue_row(page, check, venue) for venue in check.venues],
        key=f"experience-check/venues/{check.summary.key}/all",
        show_all=t("Show all {count} venues", count=len(check.venues)),
        listed=t("The first {count} venues.", count=MAX_LISTED_ROWS),
    )
    if is_own:
        draw_venue_findings(page, check)


def _format_venue_row(
    page: PageContext, check: ExperienceCheckDetail, venue: VenueRow
) -> list[str]:
    t = page.t
    visits = t("{approved} of {needed} approved", approved=venue.approved, needed=check.observers)
    if venue.sent > venue.approved:
        visits += t(", {count} under review", count=venue.sent - venue.approved)
    if venue.revisits:
        visits += t(", revisits: {count}", count=venue.revisits)
    row = [
        venue.name,
        venue.code,
        name_area(venue.city, page.language),
        name_type(venue.venue_type, page.language),
        visits,
    ]
    return [*row, t(", ").join(venue.observers)] if check.summary.may_manage else row


def _confirm_draw(page: PageContext, check: ExperienceCheckDetail, listed: VenueList) -> None:
    t = page.t
    st.write(t("{count} venues are right.", count=len(listed.venues)))
    per_type = st.number_input(t("Venues of each type in each city"), 1, MAX_PER_TYPE, 12)
    seed = st.number_input(
        t("Seed of the draw"),
        0,
        MAX_SEED,
        int(now().strftime("%Y%m%d")),
        help=t("With list and seed the draw can be repeated; both are recorded."),
    )
    draw_case_button(
        page,
        check.seen,
        "experience-check/venues/draw",
        draw_venues,
        t("Draw the venues"),
        t("The venues are drawn. Next come the observers."),
        listed=listed,
        per_type=int(per_type),
        seed=int(seed),
    )


def _draw_observers(page: PageContext, check: ExperienceCheckDetail) -> None:
    t = page.t
    with page.read() as work:
        people = list_observers(work, wave_id=check.summary.id)
    with st.form(f"experience-check/observers/{check.version}", border=True):
        chosen = st.multiselect(
            t("Observers"),
            list(people),
            format_func=lambda login: f"{people[login][0]} · {login}",
            help=t(
                "Surveyors of the area. Each venue gets different people by lot; none sees what "
                "another notes."
            ),
        )
        slot = "experience-check/observers"
        show_feedback(page, slot)
        if st.form_submit_button(t("Assign observers"), type="primary"):
            done, seed = t("Every venue has its observers."), int(f"{now():%Y%m%d}")
            change_case(page, check.seen, assign_observers, done, slot, logins=chosen, seed=seed)
            st.rerun()
