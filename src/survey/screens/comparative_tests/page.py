"""Page of comparative tests: choice of a test, its results, its release and errata."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from html import escape

import pandas as pd
import streamlit as st

from survey.access.approval import PeopleRule
from survey.access.roles import NATION, Action
from survey.comparative_tests.access import STATE_NAMES
from survey.comparative_tests.grading import NOT_APPLICABLE, Measurement
from survey.comparative_tests.plan import create_comparative_test
from survey.comparative_tests.product_samples import parse_decimal
from survey.comparative_tests.reading import (
    ComparativeTestDetail,
    GradedSample,
    get_comparative_test,
    list_comparative_tests,
    list_programme,
)
from survey.comparative_tests.released_grades import (
    confirm_erratum,
    find_test_signature,
    propose_erratum,
    record_partner_approval,
    sign_comparative_test,
)
from survey.comparative_tests.value_list import ValueData, is_not_applicable
from survey.figures.tables.comparative_test_workbook import comparative_test_workbook
from survey.figures.views.comparative_test import (
    ComparativeTestTexts,
    ComparisonTable,
    build_programme_table,
    format_cell,
)
from survey.kit.cases import change_case, draw_case_button, plan_case
from survey.kit.download_button import XLSX, File, draw_download_button, name_file
from survey.kit.feedback import feedback_above, set_problem, show_feedback
from survey.kit.filters import pick_linked
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.record_form import draw_fields
from survey.kit.signing import PEOPLE_RULE_TEXTS, draw_awaited_people, draw_signing
from survey.kit.text_blocks import escape_markdown, render_plain_table, render_text_table
from survey.kit.url_state import draw_tabs
from survey.locale.figures import format_score
from survey.rectification.problem_records import key_of
from survey.reports.danger_referral import list_failures, make_danger_referral
from survey.reports.report_service import MEDIA_TYPES, ReportFile, ReportFormat
from survey.screens.comparative_tests.preparation import (
    draw_hearing,
    draw_laboratory,
    draw_plan,
    draw_rules,
    draw_samples,
)
from survey.screens.evidence_releases import draw_evidence_filing
from survey.screens.problems.overview import draw_problem_links
from survey.store.china_time import china_date, format_china_minute, format_day
from survey.store.tables import ComparativeTestState, EvidenceKind, now
from survey.store.tables.evidence import ComparativeTestPlan
from survey.store.transactions import run_in_transaction

_PROPOSING = "comparative-test/erratum"


def draw_release(
    page: PageContext, test: ComparativeTestDetail, texts: ComparativeTestTexts
) -> None:
    """Draw a test's signatures and errata, worded by `texts`, and for signers the next step."""
    t = page.t
    _draw_signatures(page, test)
    may_sign = test.summary.may_manage and page.principal.may(Action.RELEASE_PRODUCT_TESTS)
    if test.summary.state is not _State.RELEASED:
        if may_sign and test.summary.state is _State.MAKERS_HEARD:
            _draw_partners(page, test)
            _draw_signing(page, test)
        else:
            st.caption(t("Two people release a test after the makers were heard."))
        return
    _draw_errata(page, test, texts)
    if may_sign:
        draw_evidence_filing(page, "comparative_test", test.summary.id)
        _draw_erratum_steps(page, test, texts)


def _draw_signatures(page: PageContext, test: ComparativeTestDetail) -> None:
    t = page.t
    rows = [
        (t("Approval of a partner"), partner, format_day(t, given.approved_on))
        for partner, given in test.approvals.items()
        if given is not None
    ]
    if test.first_signed_at is not None:
        moment = format_china_minute(t, test.first_signed_at)
        rows.append((t("First signature"), test.first_signed_by, moment))
    # The same name twice would look like two people.
    if test.summary.released_at is not None and not test.one_person:
        moment = format_china_minute(t, test.summary.released_at)
        rows.append((t("Second signature"), test.released_by, moment))
    if rows:
        st.html(render_text_table((t("Signature"), t("Who"), t("Time")), rows))
    if test.one_person:
        st.caption(t(PEOPLE_RULE_TEXTS[PeopleRule(test.one_person)]))


def _draw_partners(page: PageContext, test: ComparativeTestDetail) -> None:
    """Draw the form that records the approval of a partner whose approval is missing."""
    t, slot = page.t, "comparative-test/partner"
    awaited = [partner for partner, given in test.approvals.items() if given is None]
    if not awaited:
        return
    st.caption(t("These partners have not approved the grades: {names}.",
                 names=escape_markdown("; ".join(awaited))))  # fmt: skip
    with st.form(f"{slot}/{test.version}", border=True, enter_to_submit=False):
        partner = st.selectbox(t("Association"), awaited)
        letter = st.text_input(t("Number or day of the letter"), max_chars=200)
        day = st.date_input(t("Approved on"), china_date(now()), format="YYYY-MM-DD")
        show_feedback(page, slot)
        if not st.form_submit_button(t("Record the approval")) or not isinstance(day, date):
            return
    given = {"partner": str(partner), "letter": letter, "approved_on": day}
    change_case(
        page, test.seen, record_partner_approval, t("The approval is recorded."), slot, **given
    )
    st.rerun()


def _draw_signing(page: PageContext, test: ComparativeTestDetail) -> None:
    t = page.t
    if None in test.approvals.values():
        return
    if any(sample.grade is None for sample in test.samples):
        st.caption(t("Values are missing or not decidable. Enter a retest or a correction first."))
        return
    with page.read() as work:
        signature = find_test_signature(work, test_id=test.summary.id)
    if signature.awaited:
        draw_awaited_people(page, t("You have signed this test"), signature.awaited)
        return
    title, slot = test.summary.title[page.language], "comparative-test/signing"
    draw_signing(
        page, test.seen, sign_comparative_test, title, slot=slot, releases=signature.releases
    )
    st.caption(t("Errors that are found after the release are corrected by an erratum."))


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
            f"{texts.format_value(each.before)} → {texts.format_value(each.after)}",
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
        with page.read() as work:
            awaited = find_test_signature(work, test_id=test.summary.id).awaited
        if awaited:
            draw_awaited_people(page, t("You have proposed this erratum"), awaited)
            return
        slot = "comparative-test/erratum/confirm"
        label, done = t("Confirm the erratum"), t("The erratum is confirmed.")
        draw_case_button(page, test.seen, slot, confirm_erratum, label, done)
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
    is_none = is_not_applicable(value)
    number = Decimal() if is_none else parse_decimal(value)
    if number is None or not isinstance(day, date):
        problem = t("Please enter the right value as a plain number.")
        set_problem(page, problem, slot=_PROPOSING)
    else:
        half = parse_decimal(uncertainty)
        factor = None if half is None else parse_decimal(coverage)
        measurement = NOT_APPLICABLE if is_none else Measurement(number, half, factor)
        data = ValueData(str(sample), str(key), measurement, day)
        done = t("The erratum is proposed. Another person confirms it.")
        change_case(page, test.seen, propose_erratum, done, _PROPOSING, value=data, reason=reason)
    st.rerun()


def draw_results(
    page: PageContext, test: ComparativeTestDetail, texts: ComparativeTestTexts
) -> None:
    """Draw marks and grades in the words of `texts`, a download, and one grade's derivation."""
    t = page.t
    if all(each.grade is None for each in test.samples):
        st.caption(t("Grades appear once every value of every sample is there."))
        return
    if test.summary.state is not ComparativeTestState.RELEASED:
        draw_notice(
            t("Not released"),
            t("These grades are provisional: makers may reply, and values may be measured again."),
        )
    table = texts.build_result_table()
    best = table.rows[0]
    st.markdown(
        t(
            "{count} samples. The best mark is that of {name}: {mark}, {grade}.",
            count=len(table.rows),
            name=f"**{best[0]}**",
            mark=f"**{format_score(float(best[2]))}**",
            grade=best[1],
        )
    )
    failing = texts.list_failing()
    if failing:
        names = t(", ").join(map(escape_markdown, failing.values()))
        st.markdown(t("{count} do not conform to a limit: {names}.",
                      count=len(failing), names=names))  # fmt: skip
        if test.summary.released_at is not None:
            kind = EvidenceKind.COMPARATIVE_TEST
            draw_problem_links(
                page,
                {key_of(kind, f"{test.summary.id}/{code}"): each for code, each in failing.items()},
            )
    with st.container(key="sortable-comparative-test"):
        st.dataframe(
            pd.DataFrame(list(table.rows), columns=list(table.heads)),
            hide_index=True,
            alt=texts.label(test.summary.title),
            column_config={
                table.heads[0]: st.column_config.TextColumn(pinned=True),
                table.heads[2]: st.column_config.NumberColumn(format="%.1f"),
                t("Price (yuan)"): st.column_config.NumberColumn(format="%.2f"),
            },
        )
    rows = [[format_cell(each) for each in row] for row in table.rows]
    st.html(render_plain_table(t, table.heads, [[escape(each) for each in row] for row in rows]))
    st.caption(t("▼ lowered by a devaluation · * corrected by an erratum"))
    _draw_workbook(page, test)
    _draw_steps(page, test, texts)
    _draw_programme(page, test)


def _draw_programme(page: PageContext, test: ComparativeTestDetail) -> None:
    """Draw the products of all tests under the same sealed rules, if there are others."""
    t = page.t
    with page.read() as work:
        tests = list_programme(work, test_id=test.summary.id)
    if not any(each.summary.id != test.summary.id for each in tests):
        return
    st.subheader(t("All products tested under these rules"), anchor=False)
    st.html(_render_results(build_programme_table(tests, t, page.language)))
    st.caption(
        t("The same sealed rules, measured at different times: models are added test by test.")
    )


def _draw_workbook(page: PageContext, test: ComparativeTestDetail) -> None:
    t = page.t

    def make() -> bytes:
        with page.read() as work:
            return comparative_test_workbook(work, test_id=test.summary.id, language=page.language)

    draw_download_button(
        page,
        t("Results, steps and rules (XLSX)"),
        File(name_file(page, "comparative-test", "xlsx", test.summary), XLSX, make),
        key="comparative-test/workbook",
        icon=":material/table:",
    )


def _draw_steps(
    page: PageContext, test: ComparativeTestDetail, texts: ComparativeTestTexts
) -> None:
    t = page.t
    samples = {each.data.code: each for each in test.samples if each.grade is not None}
    st.subheader(t("How a grade came about"), anchor=False)
    code = st.selectbox(
        t("Sample"),
        list(samples),
        format_func=lambda each: f"{samples[each].data.brand} {samples[each].data.model} ({each})",
        key=f"comparative-test/steps/{test.summary.key}",
    )
    _draw_sample_steps(page, samples[code], texts)
    if test.summary.may_manage and list_failures(samples[code]):
        _draw_referral(page, test, code)
    _draw_comparison(page, test.summary.key, samples, code, texts)


def _draw_referral(page: PageContext, test: ComparativeTestDetail, code: str) -> None:
    """Draw the button that gives away the referral of a sample that does not conform."""
    t = page.t

    def make() -> bytes:
        file: ReportFile = run_in_transaction(
            page.settings.store_url,
            lambda session: make_danger_referral(
                page.work(session), test_id=test.summary.id, sample=code, language=page.language
            ),
        )
        return file.content

    title = t("Referral of a dangerous product")
    draw_download_button(
        page,
        t("Referral to the authority (Word)"),
        File(
            name_file(page, f"{title}-{code}", "docx", test.summary),
            MEDIA_TYPES[ReportFormat.DOCX],
            make,
        ),
        key=f"comparative-test/referral/{code}",
        type="tertiary",
        icon=":material/report:",
    )


def _draw_comparison(
    page: PageContext,
    key: str,
    samples: Mapping[str, GradedSample],
    code: str,
    texts: ComparativeTestTexts,
) -> None:
    """Draw the chosen sample beside another one, if there is one."""
    t = page.t
    other = st.selectbox(
        t("Compare it with"),
        [each for each in samples if each != code],
        format_func=lambda each: f"{samples[each].data.brand} {samples[each].data.model} ({each})",
        index=None,
        placeholder=t("Choose another sample"),
        key=f"comparative-test/beside/{key}/{code}",
    )
    if other is None:
        return
    st.html(_render_results(texts.build_comparison(samples[code], samples[other])))
    st.caption(
        t(
            "By the measured values and their uncertainties: the measurements of the samples, "
            "not of every piece of the model. A dash where an uncertainty is missing."
        )
    )


def _draw_sample_steps(
    page: PageContext, sample: GradedSample, texts: ComparativeTestTexts
) -> None:
    t = page.t
    grade = sample.standing
    if grade is None:
        return
    steps = texts.build_steps(grade)
    st.html(_render_results(steps.characteristics))
    for caption in texts.list_remarks(grade):
        st.caption(caption)
    if steps.groups.rows:
        st.html(_render_results(steps.groups))
    if steps.devaluations.rows:
        st.html(_render_results(steps.devaluations))
    st.markdown(" → ".join(steps.sentences))
    if sample.corrected is not None and sample.grade is not None:
        st.caption(
            t(
                "Released with {mark}, {grade}; recomputed after an erratum.",
                mark=f"{sample.grade.mark:f}",
                grade=texts.grade_name(sample.grade.grade),
            )
        )


def _render_results(table: ComparisonTable) -> str:
    rows = [[format_cell(each) for each in row] for row in table.rows]
    return render_text_table(table.heads, rows)


_NEW = "new"
_FIRST_FIELDS = ("key", "title_zh", "title_en", "purpose", "funder")
"""What is known of a test before its laboratory is."""
_State = ComparativeTestState


def draw_comparative_tests(page: PageContext) -> None:
    """Draw the choice of a test and the chosen one; those who manage tests can plan another."""
    with feedback_above(page):
        _draw_tests(page)


def _draw_tests(page: PageContext) -> None:
    t = page.t
    with page.read() as work:
        tests = list_comparative_tests(work)
    st.caption(
        t(
            "Products of one kind, bought as a consumer buys them and measured by a laboratory. "
            "They stand beside the satisfaction score and never enter it."
        )
    )
    may_plan = page.principal.may(Action.MANAGE_PRODUCT_TESTS) and len(page.principal.area) == 2
    if not tests and not may_plan:
        draw_notice(
            t("No comparative test has been released yet"),
            t("A test appears here as soon as two people have released it."),
        )
        return
    by_key = {test.key: test for test in tests}
    names = {
        key: f"{test.title[page.language]} · {t(STATE_NAMES[test.state])}"
        for key, test in by_key.items()
    }
    if may_plan:
        names[_NEW] = t("Plan a new test")
    key = pick_linked(page, t("Test"), "test", names)
    if key == _NEW:
        _draw_new_test(page)
    elif key is not None:
        with page.read() as work:
            test = get_comparative_test(work, test_id=by_key[key].id)
        _draw_test(page, test)


def _draw_test(page: PageContext, test: ComparativeTestDetail) -> None:
    t = page.t
    texts = ComparativeTestTexts(test, t, page.language)
    st.subheader(escape_markdown(texts.label(test.summary.title)), anchor=False)
    states = " → ".join(
        f"**{t(name)}**" if state is test.summary.state else t(name)
        for state, name in STATE_NAMES.items()
    )
    if test.summary.may_manage:
        st.markdown(states)
    tabs: dict[str, tuple[str, Callable[[], None]]] = {}
    # Always there: a tab that came with the last value would close the one that is open.
    tabs["results"] = (t("Results"), partial(draw_results, page, test, texts))
    tabs["plan"] = (t("Plan"), partial(draw_plan, page, test))
    tabs["rules"] = (t("Rules"), partial(draw_rules, page, test, texts))
    tabs["samples"] = (t("Samples"), partial(draw_samples, page, test))
    if test.summary.may_manage:
        tabs["laboratory"] = (t("Laboratory"), partial(draw_laboratory, page, test, texts))
    tabs["replies"] = (t("Makers' replies"), partial(draw_hearing, page, test))
    tabs["release"] = (t("Release and errata"), partial(draw_release, page, test, texts))
    draw_tabs(page, tabs)


def _draw_new_test(page: PageContext) -> None:
    t = page.t
    with st.form("comparative-test/new", border=True, enter_to_submit=False):
        entered = draw_fields(t, ComparativeTestPlan, _FIRST_FIELDS)
        if not st.form_submit_button(t("Plan the test"), type="primary"):
            return
    area = page.principal.area if len(page.principal.area) == 2 else NATION
    draft = ComparativeTestPlan(area=area, **entered)
    done = t("The test is planned. Next come rules and samples.")
    plan_case(page, create_comparative_test, draft, "test", done)
