"""Announced day of a release on its page: punctuality, and another day with its reason."""

from datetime import datetime, time, timedelta

import streamlit as st

from survey.access.roles import Action
from survey.kit.feedback import run_change_below_button, show_feedback
from survey.kit.page_runner import PageContext
from survey.release.announced_days import change_announced_day, list_punctuality
from survey.release.reader_answers import describe_reader_answers
from survey.release.register import MAX_TEXT_CHARS, PublicationSummary
from survey.store.china_time import CHINA, china_date
from survey.store.tables import PublicationState, now

_UNPUBLISHED = {PublicationState.PLANNED, PublicationState.SIGNED}


def draw_announced_day(page: PageContext, release: PublicationSummary) -> None:
    """Draw how punctual a release is and, for signers of one that is to come, another day."""
    t = page.t
    with st.expander(t("Day and punctuality")):
        with page.read() as work:
            facts = list_punctuality(work, key=release.key, t=t)
            said = (
                describe_reader_answers(work, wave=release.wave, t=t)
                if page.principal.may(Action.RELEASE)
                else ""
            )
        rows = [{t("Fact"): name, t("Value"): value} for name, value in facts]
        st.table(rows, border="horizontal", alt=t("Day and punctuality"))
        if said:
            st.caption(said)
        if page.principal.may(Action.RELEASE) and release.state in _UNPUBLISHED:
            _draw_change(page, release)


def _draw_change(page: PageContext, release: PublicationSummary) -> None:
    t, form = page.t, f"releases/day/{release.key}"
    show_feedback(page, form)
    with st.container(horizontal=True):
        soonest = china_date(now()) + timedelta(1)
        st.date_input(t("Another day"), soonest, format="YYYY-MM-DD", key=f"{form}/day")
        st.time_input(t("Time in China"), time(10), step=60, key=f"{form}/minute")
    st.text_input(
        t("Reason, which the public calendar shows"), max_chars=MAX_TEXT_CHARS, key=f"{form}/reason"
    )
    st.button(
        t("Announce another day"),
        key=form,
        help=t("Signing begins anew: files and signatures name the day."),
        on_click=_change_day,
        args=(page, release.key, form),
    )


def _change_day(page: PageContext, key: str, form: str) -> None:
    day, minute = (st.session_state[f"{form}/{name}"] for name in ("day", "minute"))
    reason = str(st.session_state.get(f"{form}/reason", ""))
    run_change_below_button(
        page,
        lambda work: change_announced_day(
            work, key=key, at=datetime.combine(day, minute, CHINA), reason=reason
        ),
        done=page.t("Another day is announced. Please sign the release anew."),
        slot=form,
        drawn=[key],
    )
