"""Hearing of makers: sending their results, recording replies, and the end of the hearing."""

import streamlit as st

from survey.context.comparative_tests.maker_replies import (
    STANCE_NAMES,
    record_maker_reply,
    send_results_to_makers,
)
from survey.context.comparative_tests.plan import advance_comparative_test
from survey.context.comparative_tests.reading import ComparativeTestDetail
from survey.store.tables import ComparativeTestState
from survey.ui.cases import draw_step
from survey.ui.hearings import draw_reply_form, draw_sending, format_hearing_row, list_hearing_heads
from survey.ui.html_table import render_text_table
from survey.ui.page_runner import PageContext

_State = ComparativeTestState
_SENDING, _REPLY = "comparative-test/send", "comparative-test/reply"


def draw_hearing(page: PageContext, test: ComparativeTestDetail) -> None:
    """Draw what each maker replied, and in its state the forms of the hearing."""
    t, state = page.t, test.summary.state
    if test.hearings:
        heads = list_hearing_heads(page, t("Maker"))
        rows = [format_hearing_row(page, *each, STANCE_NAMES) for each in test.hearings]
        st.html(render_text_table(heads, rows))
    else:
        st.caption(t("Makers are heard once all results are in."))
    if not test.summary.may_manage:
        return
    if state is _State.RESULTS_IN and not test.hearings:
        about = t("Send each maker its own results. This records that it was done today.")
        done = t("It is recorded that the makers have their results.")
        sent = (about, t("The results are sent"), done)
        draw_sending(page, test.seen, send_results_to_makers, sent, _SENDING)
    if test.hearings and state in (_State.RESULTS_IN, _State.MAKERS_HEARD):
        names = {maker: maker for maker, _ in test.hearings}
        who = (t("Maker"), "maker")
        draw_reply_form(page, test.seen, record_maker_reply, who, names, STANCE_NAMES, _REPLY)
    if test.hearings and state is _State.RESULTS_IN:
        draw_step(
            page,
            test.seen,
            f"comparative-test/step/{_State.MAKERS_HEARD}",
            advance_comparative_test,
            t("The makers are heard"),
            t("Every maker has replied, or its deadline is over."),
            t("The makers are heard. Next two people sign."),
            to=_State.MAKERS_HEARD,
        )
