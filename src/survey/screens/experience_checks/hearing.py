"""Hearing of venues: sending what was noted, recording replies, ordering revisits."""

import streamlit as st

from survey.experience_checks.reading import ExperienceCheckDetail, VenueRow
from survey.experience_checks.replies import (
    STANCE_NAMES,
    order_revisit,
    record_venue_reply,
    send_to_venues,
    waive_revisit,
)
from survey.kit.cases import change_case
from survey.kit.feedback import show_feedback
from survey.kit.hearings import (
    DAY_COLUMNS,
    draw_reply_form,
    draw_sending,
    format_hearing_row,
    list_hearing_heads,
)
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import MAX_LISTED_ROWS, draw_long_table
from survey.store.tables import WaveState
from survey.store.tables.columns import Reply

_SENDING, _REPLY, _REVISIT, _WAIVER = (
    "experience-check/send", "experience-check/reply", "experience-check/revisit",
    "experience-check/waiver",
)  # fmt: skip


def draw_hearing(page: PageContext, check: ExperienceCheckDetail) -> None:
    """Draw what venues replied, and the forms of the hearing while the check runs."""
    t, summary = page.t, check.summary
    heard = [(venue, venue.reply) for venue in check.venues if venue.reply is not None]
    if heard:
        draw_long_table(
            list_hearing_heads(page, t("Venue")),
            [_format_row(page, *each) for each in sorted(heard, key=_get_reply_order)],
            key=f"experience-check/replies/{summary.key}",
            show_all=t("Show all {count} venues", count=len(heard)),
            listed=t(
                "{count} venues: those that replied come first, the newest reply on top.",
                count=MAX_LISTED_ROWS,
            ),
            whole=DAY_COLUMNS,
        )
    else:
        st.caption(t("Venues are sent what was noted once a visit is approved."))
    running = summary.state in (WaveState.OPEN, WaveState.CLOSED)
    if not summary.may_manage or not running or summary.released_at is not None:
        return
    if any(venue.approved and venue.reply is None for venue in check.venues):
        about = t("Send each venue what was noted there. This records that it was done today.")
        told = (about, t("The venues were told"), t("It is recorded that the venues were told."))
        draw_sending(page, check.seen, send_to_venues, told, _SENDING)
    if heard:
        names = {venue.code: venue.name for venue, _ in heard}
        who = (t("Venue"), "venue")
        draw_reply_form(page, check.seen, record_venue_reply, who, names, STANCE_NAMES, _REPLY)
    visited = [venue for venue in check.venues if venue.sent and not venue.revisit_reason]
    if visited and summary.state is WaveState.OPEN:
        _draw_revisit_form(page, check, visited)
    awaited = [
        venue
        for venue in check.venues
        if venue.revisit_reason and not venue.waived_because and not venue.revisits
    ]
    if awaited:
        _draw_waiver_form(page, check, awaited)


def _get_reply_order(heard: tuple[VenueRow, Reply]) -> int:
    """Return what puts replies before the venues that a reply is awaited of."""
    received_on = heard[1].received_on
    return -received_on.toordinal() if received_on else 0


def _format_row(page: PageContext, venue: VenueRow, reply: Reply) -> list[str]:
    t = page.t
    revisit = t("Revisit: {reason}", reason=venue.revisit_reason) if venue.revisit_reason else ""
    if venue.waived_because:
        revisit += " " + t("Waived: {reason}", reason=venue.waived_because)
    return format_hearing_row(page, venue.name, reply, STANCE_NAMES, revisit)


def _draw_revisit_form(
    page: PageContext, check: ExperienceCheckDetail, visited: list[VenueRow]
) -> None:
    t = page.t
    names = {venue.code: venue.name for venue in visited}
    with st.form(f"{_REVISIT}/{check.version}", border=True, enter_to_submit=False):
        venue = st.selectbox(t("Venue to revisit"), list(names), format_func=names.__getitem__)
        reason = st.text_input(t("Reason of the revisit"), max_chars=500)
        st.caption(t("Its observers find it among their tasks again. The first visit stays."))
        show_feedback(page, _REVISIT)
        if st.form_submit_button(t("Order the revisit")):
            done = t("The revisit is ordered.")
            change_case(page, check.seen, order_revisit, done, _REVISIT, venue=venue, reason=reason)
            st.rerun()


def _draw_waiver_form(
    page: PageContext, check: ExperienceCheckDetail, awaited: list[VenueRow]
) -> None:
    t = page.t
    names = {venue.code: venue.name for venue in awaited}
    with st.form(f"{_WAIVER}/{check.version}", border=True, enter_to_submit=False):
        venue = st.selectbox(
            t("Venue whose revisit is waived"), list(names), format_func=names.__getitem__
        )
        reason = st.text_input(t("Reason"), max_chars=500)
        st.caption(t("A check is released once every revisit was made or waived."))
        show_feedback(page, _WAIVER)
        if st.form_submit_button(t("Waive the revisit")):
            done = t("The revisit is waived.")
            change_case(page, check.seen, waive_revisit, done, _WAIVER, venue=venue, reason=reason)
            st.rerun()
