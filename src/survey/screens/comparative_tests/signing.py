"""Release of a comparative test by two people, and its errata."""

from datetime import date

import streamlit as st

from survey.access.roles import Action
from survey.comparative_tests.grading import Measurement
from survey.comparative_tests.measured_values import ValueData
from survey.comparative_tests.product_samples import parse_decimal
from survey.comparative_tests.reading import ComparativeTestDetail
from survey.comparative_tests.released_grades import (
    confirm_erratum,
    list_awaited_signers,
    propose_erratum,
    sign_comparative_test,
    would_release,
)
from survey.figures.views.comparative_test import ComparativeTestTexts, format_value
from survey.kit.cases import change_case, draw_step
from survey.kit.feedback import set_problem, show_feedback
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import escape_markdown, render_text_table
from survey.screens.plan.wave_steps import PEOPLE_RULE_TEXTS, draw_awaited_people
from survey.store.china_time import china_date, format_china_minute
from survey.store.tables import ComparativeTestState, now
from survey.waves.planning.wave_requests import PeopleRule

_State = ComparativeTestState
_PROPOSING = "comparative-test/erratum"


def draw_release(
    page: PageContext, test: ComparativeTestDetail, texts: ComparativeTestTexts
) -> None:
    """Draw the signatures and the errata, with the steps of those who sign."""
    t = page.t
    _draw_signatures(page, test)
    may_sign = test.summary.may_manage and page.principal.may(Action.RELEASE_PRODUCT_TESTS)
    if test.summary.state is not _State.RELEASED:
        if may_sign and test.summary.state is _State.MAKERS_HEARD:
            _draw_signing(page, test)
        else:
            st.caption(t("Two people release a test after the makers were heard."))
        return
    _draw_errata(page, test, texts)
    if may_sign:
        _draw_erratum_steps(page, test, texts)


def _draw_signatures(page: PageContext, test: ComparativeTestDetail) -> None:
    t = page.t
    if test.first_signed_at is None:
        return
    rows = [
        (t("First signature"), test.first_signed_by, format_china_minute(t, test.first_signed_at))
    ]
    # The same name twice would look like two people.
    if test.summary.released_at is not None and not test.one_person:
        moment = format_china_minute(t, test.summary.released_at)
        rows.append((t("Second signature"), test.released_by, moment))
    st.html(render_text_table((t("Signature"), t("Person"), t("Time")), rows))
    if test.one_person:
        st.caption(t(PEOPLE_RULE_TEXTS[PeopleRule(test.one_person)]))


def _draw_signing(page: PageContext, test: ComparativeTestDetail) -> None:
    t = page.t
    if any(sample.grade is None for sample in test.samples):
        st.caption(t("Values are missing or not decidable. Enter a retest or a correction first."))
        return
    awaited = _list_awaited_signers(page, test)
    if awaited:
        draw_awaited_people(page, t("You have signed this test"), awaited)
        return
    with page.read() as work:
        releases = would_release(work, test_id=test.summary.id)
    title = escape_markdown(test.summary.title[page.language])
    if releases:
        label, done = t("Sign and release now"), t("The test is released.")
        words = t(
            "Your signature releases “{title}” at once to everybody who reads results. Nothing of "
            "it can be edited afterwards; errors are corrected by an erratum.",
            title=title,
        )
    else:
        label, done = t("Give the first signature"), t("The test is signed.")
        words = t(
            "Your signature is the first: “{title}” is not released by it, but by the second, of "
            "another person. Nothing can be edited after that; errors are corrected by an erratum.",
            title=title,
        )
    slot = f"comparative-test/signing/{'second' if releases else 'first'}"
    sign = sign_comparative_test
    draw_step(page, test.seen, slot, sign, label, words, done, releases=releases)


def _list_awaited_signers(page: PageContext, test: ComparativeTestDetail) -> tuple[str, ...]:
    """Return who signs next where the signed-in person was the first to; empty otherwise."""
    with page.read() as work:
        return list_awaited_signers(work, test_id=test.summary.id)


def _draw_errata(
    page: PageContext, test: ComparativeTestDetail, texts: ComparativeTestTexts
) -> None:
    t = page.t
    if not test.errata:
        st.caption(t("There is no erratum."))
        return
    rows = [
        (
            str(each.number),
            each.sample,
            texts.characteristic_head(test.rules.by_key[each.characteristic]),
            f"{format_value(each.before)} → {format_value(each.after)}",
            each.reason,
            t("waits for a second person")
            if each.confirmed_at is None
            else format_china_minute(t, each.confirmed_at),
        )
        for each in test.errata
    ]
    heads = (
        t("Erratum"),
        t("Sample number"),
        t("Characteristic"),
        t("Measured value"),
        t("Reason"),
        t("Confirmed"),
    )
    st.html(render_text_table(heads, rows))


def _draw_erratum_steps(
    page: PageContext, test: ComparativeTestDetail, texts: ComparativeTestTexts
) -> None:
    t = page.t
    if any(each.confirmed_at is None for each in test.errata):
        awaited = _list_awaited_signers(page, test)
        if awaited:
            draw_awaited_people(page, t("You have proposed this erratum"), awaited)
            return
        slot = "comparative-test/erratum/confirm"
        show_feedback(page, slot)
        st.button(
            t("Confirm the erratum"),
            key=slot,
            type="primary",
            on_click=change_case,
            args=(page, test.seen, confirm_erratum, t("The erratum is confirmed."), slot),
        )
        return
    with (
        st.expander(t("Propose an erratum")),
        st.form(f"comparative-test/erratum/{test.version}", border=False, enter_to_submit=False),
    ):
        sample = st.selectbox(t("Sample number"), [each.data.code for each in test.samples])
        key = st.selectbox(
            t("Characteristic"),
            [each.key for each in test.rules.characteristics],
            format_func=lambda each: texts.characteristic_head(test.rules.by_key[each]),
        )
        value = st.text_input(t("Right value"))
        uncertainty = st.text_input(t("Expanded uncertainty U"))
        coverage = st.text_input(t("Coverage factor k"), "2")
        day = st.date_input(t("Measured on"), china_date(now()), format="YYYY-MM-DD")
        reason = st.text_input(t("Reason"), max_chars=500)
        show_feedback(page, _PROPOSING)
        if not st.form_submit_button(t("Propose this erratum")):
            return
    number = parse_decimal(value)
    if number is None or not isinstance(day, date):
        problem = t("Please enter the right value as a plain number.")
        set_problem(page, problem, slot=_PROPOSING)
    else:
        half = parse_decimal(uncertainty)
        factor = None if half is None else parse_decimal(coverage)
        measurement = Measurement(number, half, factor)
        data = ValueData(str(sample), str(key), measurement, day)
        done = t("The erratum is proposed. Another person confirms it.")
        change_case(page, test.seen, propose_erratum, done, _PROPOSING, value=data, reason=reason)
    st.rerun()
