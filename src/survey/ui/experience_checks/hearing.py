"""Hearing of venues: sending what was noted, recording replies, ordering revisits."""

from datetime import date, timedelta

import streamlit as st

from survey.context.experience_checks.reading import ExperienceCheckDetail, VenueRow
from survey.context.experience_checks.replies import (
    STANCE_NAMES,
    order_revisit,
    record_venue_reply,
    send_to_venues,
    waive_revisit,
)
from survey.context.hearings import MIN_REPLY_DAYS
from survey.store.china_time import china_date, format_day
from survey.store.tables import ReplyStance, WaveState, now
from survey.ui.experience_checks.changes import change_check
from survey.ui.feedback import show_feedback
from survey.ui.long_table import MAX_LISTED_ROWS, draw_long_table
from survey.ui.page_runner import PageContext

_USUAL_DAYS = MIN_REPLY_DAYS * 2
_DAY_COLUMNS = (1, 2, 3)
_SENDING, _REPLY, _REVISIT, _WAIVER = (
    "experience-check/send", "experience-check/reply", "experience-check/revisit",
    "experience-check/waiver",
)  # fmt: skip


def draw_hearing(page: PageContext, check: ExperienceCheckDetail) -> None:
    """Draw what venues replied, and the forms of the hearing while the check runs."""
    t, summary = page.t, check.summary
    heard = [venue for venue in check.venues if venue.sent_on is not None]
    if heard:
        heads = (
            t("Venue"),
            t("Sent on"),
            t("Deadline"),
            t("Received on"),
            t("Reply"),
            t("Text of the reply"),
        )
        draw_long_table(
            heads,
            [_format_hearing_row(page, venue) for venue in sorted(heard, key=_get_reply_order)],
            key=f"experience-check/replies/{summary.key}",
            show_all=t("Show all {count} venues", count=len(heard)),
            listed=t(
                "{count} venues: those that replied come first, the newest reply on top.",
                count=MAX_LISTED_ROWS,
            ),
            whole=_DAY_COLUMNS,
        )
    else:
        st.caption(t("Venues are sent what was noted once a visit is approved."))
    running = summary.state in (WaveState.OPEN, WaveState.CLOSED)
    if not summary.may_manage or not running or summary.released_at is not None:
        return
    if any(venue.approved and venue.sent_on is None for venue in check.venues):
        _draw_sending(page, check)
    if heard:
        _draw_reply_form(page, check, heard)
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


def _get_reply_order(venue: VenueRow) -> int:
    """Return what puts replies before the venues that a reply is awaited of."""
    return -venue.received_on.toordinal() if venue.received_on else 0


def _format_hearing_row(page: PageContext, venue: VenueRow) -> list[str]:
    t = page.t
    received = format_day(t, venue.received_on) if venue.received_on else "–"
    if venue.is_late:
        late = t("after the deadline")
        received = f"{received} ({late})"
    stance = t(STANCE_NAMES[venue.stance]) if venue.stance else t("no reply")
    revisit = t("Revisit: {reason}", reason=venue.revisit_reason) if venue.revisit_reason else ""
    if venue.waived_because:
        revisit += " " + t("Waived: {reason}", reason=venue.waived_because)
    return [
        venue.name,
        format_day(t, venue.sent_on) if venue.sent_on else "–",
        format_day(t, venue.due_on) if venue.due_on else "–",
        received,
        f"{stance}: {venue.text}" if venue.text else stance,
        " ".join(part for part in (venue.answer, revisit) if part) or "–",
    ]


def _draw_sending(page: PageContext, check: ExperienceCheckDetail) -> None:
    t = page.t
    with st.form(_SENDING, border=True):
        due_on = st.date_input(
            t("Last day of a reply"),
            china_date(now()) + timedelta(_USUAL_DAYS),
            format="YYYY-MM-DD",
        )
        st.caption(t("Send each venue what was noted there. This records that it was done today."))
        show_feedback(page, _SENDING)
        if st.form_submit_button(t("The venues were told"), type="primary"):
            if isinstance(due_on, date):
                done = t("It is recorded that the venues were told.")
                change_check(page, check, send_to_venues, done, _SENDING, due_on=due_on)
            st.rerun()


def _draw_reply_form(
    page: PageContext, check: ExperienceCheckDetail, heard: list[VenueRow]
) -> None:
    t = page.t
    names = {venue.code: venue.name for venue in heard}
    with st.form(f"{_REPLY}/{check.version}", border=True, enter_to_submit=False):
        venue = st.selectbox(t("Venue"), list(names), format_func=names.__getitem__)
        stance = st.selectbox(
            t("Reply"), list(ReplyStance), format_func=lambda each: t(STANCE_NAMES[each])
        )
        text = st.text_area(t("Wording of the reply"), max_chars=2000)
        answer = st.text_area(t("Answer of the association"), max_chars=2000)
        received_on = st.date_input(t("Received on"), china_date(now()), format="YYYY-MM-DD")
        show_feedback(page, _REPLY)
        if st.form_submit_button(t("Record the reply")):
            change_check(
                page,
                check,
                record_venue_reply,
                t("The reply is recorded."),
                _REPLY,
                venue=venue,
                stance=stance,
                text=text,
                answer=answer,
                received_on=received_on,
            )
            st.rerun()


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
            change_check(page, check, order_revisit, done, _REVISIT, venue=venue, reason=reason)
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
            change_check(page, check, waive_revisit, done, _WAIVER, venue=venue, reason=reason)
            st.rerun()
