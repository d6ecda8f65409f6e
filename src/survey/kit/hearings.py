"""Hearing of makers or venues on a page: what each replied, sending, and recording a reply."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta

import streamlit as st

from survey.access.work import Seen
from survey.comparative_tests.hearings import MAX_REPLY_CHARS, MIN_REPLY_DAYS, ReplyData
from survey.kit.cases import change_case
from survey.kit.feedback import show_feedback
from survey.kit.page_runner import PageContext
from survey.locale import Message
from survey.store.china_time import china_date, format_day
from survey.store.tables import ReplyStance, now
from survey.store.tables.columns import Reply

DAY_COLUMNS = (1, 2, 3)
_USUAL_DAYS = MIN_REPLY_DAYS * 2


def list_hearing_heads(page: PageContext, who: str) -> tuple[str, ...]:
    """Return the headings of the table of replies."""
    t = page.t
    return (who, t("Sent on"), t("Deadline"), t("Received on"), t("Reply"), t("Text of the reply"))


def format_hearing_row(
    page: PageContext,
    name: str,
    reply: Reply,
    stances: Mapping[ReplyStance, Message],
    more: str = "",
) -> list[str]:
    """Return the cells of one who was heard; `more` follows what was answered."""
    t = page.t
    received = format_day(t, reply.received_on) if reply.received_on else "–"
    if reply.is_late:
        late = t("after the deadline")
        received = f"{received} ({late})"
    stance = t(stances[reply.stance]) if reply.stance else t("no reply")
    return [
        name,
        format_day(t, reply.sent_on),
        format_day(t, reply.due_on),
        received,
        f"{stance}: {reply.text}" if reply.text else stance,
        " ".join(part for part in (reply.answer, more) if part) or "–",
    ]


def draw_sending(
    page: PageContext,
    seen: Seen,
    service: Callable[..., object],
    texts: tuple[str, str, str],
    slot: str,
) -> None:
    """Draw the form that records that they were told, with the last day of a reply.

    Args:
        texts: What the form is about, what its button says, and what is said once it is done.
    """
    about, label, done = texts
    with st.form(slot, border=True):
        usual = china_date(now()) + timedelta(_USUAL_DAYS)
        due_on = st.date_input(page.t("Last day of a reply"), usual, format="YYYY-MM-DD")
        st.caption(about)
        show_feedback(page, slot)
        if st.form_submit_button(label, type="primary"):
            if isinstance(due_on, date):
                change_case(page, seen, service, done, slot, due_on=due_on)
            st.rerun()


def draw_reply_form(
    page: PageContext,
    seen: Seen,
    service: Callable[..., object],
    who: tuple[str, str],
    names: Mapping[str, str],
    stances: Mapping[ReplyStance, Message],
    slot: str,
) -> None:
    """Draw the form of a reply.

    Args:
        who: Label of the choice of who replied, and the service's name of it.
        names: Who was heard, by what the service calls them.
    """
    t, (label, parameter) = page.t, who
    with st.form(f"{slot}/{seen.version}", border=True, enter_to_submit=False):
        chosen = st.selectbox(label, list(names), format_func=names.__getitem__)
        kinds = list(ReplyStance)
        stance = st.selectbox(t("Reply"), kinds, format_func=lambda each: t(stances[each]))
        text = st.text_area(t("Wording of the reply"), max_chars=MAX_REPLY_CHARS)
        answer = st.text_area(t("Answer of the association"), max_chars=MAX_REPLY_CHARS)
        received_on = st.date_input(t("Received on"), china_date(now()), format="YYYY-MM-DD")
        show_feedback(page, slot)
        if st.form_submit_button(t("Record the reply")):
            day = received_on if isinstance(received_on, date) else china_date(now())
            given = {parameter: chosen}
            data = ReplyData(stance, text, answer, day)
            done = t("The reply is recorded.")
            change_case(page, seen, service, done, slot, data=data, **given)
            st.rerun()
