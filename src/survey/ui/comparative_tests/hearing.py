"""Hearing of makers: sending their results, recording replies, and the end of the hearing."""

from datetime import date, timedelta

import streamlit as st

from survey.context.comparative_tests.maker_replies import (
    STANCE_NAMES,
    record_maker_reply,
    send_results_to_makers,
)
from survey.context.comparative_tests.reading import ComparativeTestDetail, Hearing
from survey.context.hearings import MIN_REPLY_DAYS
from survey.store.china_time import china_date, format_day
from survey.store.tables import ComparativeTestState, ReplyStance, now
from survey.ui.comparative_tests.changes import change_test, draw_advance_button
from survey.ui.feedback import show_feedback
from survey.ui.html_table import render_text_table
from survey.ui.page_runner import PageContext

_State = ComparativeTestState
_USUAL_DAYS = MIN_REPLY_DAYS * 2
_SENDING, _REPLY = "comparative-test/send", "comparative-test/reply"


def draw_hearing(page: PageContext, test: ComparativeTestDetail) -> None:
    """Draw what each maker replied, and in its state the forms of the hearing."""
    t, state = page.t, test.summary.state
    if test.hearings:
        heads = (
            t("Maker"),
            t("Sent on"),
            t("Deadline"),
            t("Received on"),
            t("Reply"),
            t("Text of the reply"),
        )
        st.html(
            render_text_table(heads, [_format_hearing_row(page, each) for each in test.hearings])
        )
    else:
        st.caption(t("Makers are heard once all results are in."))
    if not test.summary.may_manage:
        return
    if state is _State.RESULTS_IN and not test.hearings:
        _draw_sending(page, test)
    if test.hearings and state in (_State.RESULTS_IN, _State.MAKERS_HEARD):
        _draw_reply_form(page, test)
    if test.hearings and state is _State.RESULTS_IN:
        draw_advance_button(
            page,
            test,
            _State.MAKERS_HEARD,
            t("The makers are heard"),
            t("Every maker has replied, or its deadline is over."),
            t("The makers are heard. Next two people sign."),
        )


def _format_hearing_row(page: PageContext, hearing: Hearing) -> list[str]:
    t = page.t
    received = format_day(t, hearing.received_on) if hearing.received_on else "–"
    if hearing.is_late:
        late = t("after the deadline")
        received = f"{received} ({late})"
    stance = t(STANCE_NAMES[hearing.stance]) if hearing.stance else t("no reply")
    return [
        hearing.maker,
        format_day(t, hearing.sent_on),
        format_day(t, hearing.due_on),
        received,
        f"{stance}: {hearing.text}" if hearing.text else stance,
        hearing.answer or "–",
    ]


def _draw_sending(page: PageContext, test: ComparativeTestDetail) -> None:
    t = page.t
    with st.form(_SENDING, border=True):
        due_on = st.date_input(
            t("Last day of a reply"),
            china_date(now()) + timedelta(_USUAL_DAYS),
            format="YYYY-MM-DD",
        )
        st.caption(t("Send each maker its own results. This records that it was done today."))
        show_feedback(page, _SENDING)
        if st.form_submit_button(t("The results are sent"), type="primary"):
            if isinstance(due_on, date):
                done = t("It is recorded that the makers have their results.")
                change_test(page, test, send_results_to_makers, done, _SENDING, due_on=due_on)
            st.rerun()


def _draw_reply_form(page: PageContext, test: ComparativeTestDetail) -> None:
    t = page.t
    with st.form(f"{_REPLY}/{test.version}", border=True, enter_to_submit=False):
        maker = st.selectbox(t("Maker"), [each.maker for each in test.hearings])
        stance = st.selectbox(
            t("Reply"), list(ReplyStance), format_func=lambda each: t(STANCE_NAMES[each])
        )
        text = st.text_area(t("Wording of the reply"), max_chars=2000)
        answer = st.text_area(t("Answer of the association"), max_chars=2000)
        received_on = st.date_input(t("Received on"), china_date(now()), format="YYYY-MM-DD")
        show_feedback(page, _REPLY)
        if st.form_submit_button(t("Record the reply")):
            change_test(
                page,
                test,
                record_maker_reply,
                t("The reply is recorded."),
                _REPLY,
                maker=maker,
                stance=stance,
                text=text,
                answer=answer,
                received_on=received_on,
            )
            st.rerun()
