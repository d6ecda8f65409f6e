"""Laboratory part of a comparative test: its template, its lists, corrections and retests."""

from functools import partial

import streamlit as st

from survey.comparative_tests.maker_replies import (
    STANCE_NAMES,
    record_maker_reply,
    send_results_to_makers,
)
from survey.comparative_tests.measured_values import (
    ROUND_NAMES,
    VALUE_SHEET,
    ValueList,
    add_measured_values,
    build_value_template,
    read_value_file,
)
from survey.comparative_tests.plan import advance_comparative_test
from survey.comparative_tests.reading import ComparativeTestDetail
from survey.figures.views.comparative_test import ComparativeTestTexts, format_value
from survey.frame.workbook_io import WorkbookSheet
from survey.kit.cases import change_case, draw_step
from survey.kit.feedback import show_feedback
from survey.kit.hearings import (
    draw_reply_form,
    draw_sending,
    format_hearing_row,
    list_hearing_heads,
)
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import render_text_table
from survey.screens.plan.staff import draw_list_upload
from survey.store.china_time import format_day
from survey.store.tables import ComparativeTestState, MeasurementRound

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


_State = ComparativeTestState
_OPEN = (_State.AT_LABORATORY, _State.RESULTS_IN, _State.MAKERS_HEARD)


def draw_laboratory(
    page: PageContext, test: ComparativeTestDetail, texts: ComparativeTestTexts
) -> None:
    """Draw the upload of values in the state for it, and every value that was entered."""
    t, state = page.t, test.summary.state
    if state in (_State.PLANNED, _State.BOUGHT):
        st.caption(t("Values are entered once the laboratory has the samples."))
        return
    if state in _OPEN:
        _draw_upload(page, test)
    if state is _State.AT_LABORATORY and test.values:
        draw_step(
            page,
            test.seen,
            f"comparative-test/step/{_State.RESULTS_IN}",
            advance_comparative_test,
            t("All results are in"),
            t("Further values are corrections or retests with a reason."),
            t("The results are in. Next they are sent to the makers."),
            to=_State.RESULTS_IN,
        )
    by_key = test.rules.by_key
    rows = [
        (
            each.sample,
            texts.characteristic_head(by_key[each.characteristic]),
            format_value(each.measurement),
            t(ROUND_NAMES[each.occasion]),
            format_day(t, each.measured_on),
            each.reason,
        )
        for each in test.values
    ]
    if rows:
        heads = (
            t("Sample number"),
            t("Characteristic"),
            t("Measured value"),
            t("Round"),
            t("Measured on"),
            t("Reason"),
        )
        with st.expander(t("Every value, round by round"), expanded=False):
            st.html(render_text_table(heads, rows))


def _draw_upload(page: PageContext, test: ComparativeTestDetail) -> None:
    t = page.t
    options = [MeasurementRound.FIRST] if test.summary.state is _State.AT_LABORATORY else []
    options += [MeasurementRound.CORRECTION, MeasurementRound.RETEST]
    occasion = st.selectbox(
        t("What is this list?"),
        options,
        format_func=lambda option: t(ROUND_NAMES[option]),
        key=f"comparative-test/occasion/{test.summary.state}/{page.language}",
    )
    reason = ""
    if occasion is not MeasurementRound.FIRST:
        reason = st.text_input(t("Reason"), key="comparative-test/reason", max_chars=500)
    draw_list_upload(
        page,
        name=f"results-{test.summary.key}",
        label=t("Measured values (XLSX or CSV)"),
        file_key=f"comparative-test/values/{test.version}",
        template=lambda session: (
            build_value_template(page.work(session), test.seen)
            if occasion is MeasurementRound.FIRST
            else WorkbookSheet(VALUE_SHEET.name, VALUE_SHEET.columns)
        ),
        read=lambda session, name, content: read_value_file(
            page.work(session), test.seen, occasion=occasion, name=name, content=content
        ),
        confirm=partial(_confirm_values, page, test, occasion, reason),
        types=("xlsx", "csv"),
    )


def _confirm_values(
    page: PageContext,
    test: ComparativeTestDetail,
    occasion: MeasurementRound,
    reason: str,
    listed: ValueList,
) -> None:
    t = page.t
    st.write(t("{count} values are right.", count=len(listed.values)))
    slot = "comparative-test/values/store"
    show_feedback(page, slot)
    st.button(
        t("Enter these values"),
        key=slot,
        type="primary",
        on_click=change_case,
        args=(page, test.seen, add_measured_values, t("The values are entered."), slot),
        kwargs={"values": listed.values, "occasion": occasion, "reason": reason},
    )
