"""Plan, rules and samples of a comparative test, its laboratory, and the replies of makers."""

from functools import partial

import streamlit as st

from survey.comparative_tests.maker_replies import (
    STANCE_NAMES,
    record_maker_reply,
    send_results_to_makers,
)
from survey.comparative_tests.measured_values import (
    ROUND_NAMES,
    add_measured_values,
    build_value_template,
    propose_test_mapping,
    read_value_file,
)
from survey.comparative_tests.plan import (
    advance_comparative_test,
    change_comparative_test,
    set_grading_rules,
)
from survey.comparative_tests.product_samples import (
    SAMPLE_SHEET,
    SampleList,
    add_product_samples,
    read_sample_file,
    remove_product_samples,
)
from survey.comparative_tests.reading import (
    ComparativeTestDetail,
    get_comparative_test,
    list_comparative_tests,
)
from survey.comparative_tests.rules_workbook import (
    COMBINATION_NAMES,
    DECISION_NAMES,
    UploadedRules,
    build_rules_sheets,
    read_rules_file,
)
from survey.comparative_tests.value_list import VALUE_SHEET, ValueList
from survey.figures.views.comparative_test import ComparativeTestTexts, format_cell
from survey.frame.workbook_io import WorkbookSheet
from survey.kit.cases import (
    change_case,
    draw_case_button,
    draw_reply_form,
    draw_sending,
    draw_step,
    format_hearing_row,
    list_hearing_heads,
)
from survey.kit.feedback import show_feedback
from survey.kit.list_entry import ListFile, draw_list_upload, draw_mapped_upload, draw_read_columns
from survey.kit.page_runner import PageContext
from survey.kit.record_form import draw_fields, list_fields
from survey.kit.text_blocks import render_text_table
from survey.screens.comparative_tests.sample_photos import draw_sample_photos
from survey.store.china_time import format_day
from survey.store.tables import ComparativeTestState, MeasurementRound
from survey.store.tables.evidence import ComparativeTestPlan, SampleData

_State = ComparativeTestState


def draw_hearing(page: PageContext, test: ComparativeTestDetail) -> None:
    """Draw the makers' replies to their results, and for managers the forms that record them."""
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
        draw_sending(page, test.seen, send_results_to_makers, sent)
    if test.hearings and state in (_State.RESULTS_IN, _State.MAKERS_HEARD):
        names = {maker: maker for maker, _ in test.hearings}
        who = (t("Maker"), "maker")
        draw_reply_form(page, test.seen, record_maker_reply, who, names, STANCE_NAMES)
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


_LABORATORY_OPEN = (_State.AT_LABORATORY, _State.RESULTS_IN, _State.MAKERS_HEARD)


def draw_laboratory(
    page: PageContext, test: ComparativeTestDetail, texts: ComparativeTestTexts
) -> None:
    """Draw measured values so far, worded by `texts`; once samples are delivered, an upload."""
    t, state = page.t, test.summary.state
    if state in (_State.PLANNED, _State.BOUGHT):
        st.caption(t("Values are entered once the laboratory has the samples."))
        return
    if state in _LABORATORY_OPEN:
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
            texts.format_value(each.measurement),
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
    st.caption(
        t(
            "The laboratory's own file will do as well, with a row for each value or a column for "
            "each characteristic; how its columns are read is said before anything is stored."
        )
    )
    draw_mapped_upload(
        page,
        ListFile(
            f"results-{test.summary.key}",
            t("Measured values (XLSX, CSV or XML)"),
            f"comparative-test/values/{test.version}",
            ("xlsx", "csv", "xml"),
        ),
        template=lambda work: (
            build_value_template(work, test.seen)
            if occasion is MeasurementRound.FIRST
            else WorkbookSheet(VALUE_SHEET.name, VALUE_SHEET.columns)
        ),
        read=partial(read_value_file, seen=test.seen, occasion=occasion),
        propose=partial(propose_test_mapping, seen=test.seen),
        confirm=partial(_confirm_values, page, test, occasion, reason),
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
    draw_read_columns(page, listed.mapping, VALUE_SHEET)
    draw_case_button(
        page,
        test.seen,
        "comparative-test/values/store",
        add_measured_values,
        t("Enter these values"),
        t("The values are entered."),
        values=listed.values,
        occasion=occasion,
        reason=reason,
    )


_OPEN = (_State.PLANNED, _State.BOUGHT)
_SHOWN = ("purpose", "funder", "laboratory", "accreditation", "partners", "publishes_photos")


def draw_plan(page: PageContext, test: ComparativeTestDetail) -> None:
    """Draw a test's purpose, funder and laboratory; for managers a form, before the laboratory."""
    t = page.t
    plan = test.plan
    st.html(render_text_table((t("Plan"), ""), list_fields(t, plan, _SHOWN)))
    if not test.summary.may_manage or test.summary.state not in _OPEN:
        return
    with st.form(f"comparative-test/plan/{test.version}", border=True, enter_to_submit=False):
        names = plan.columns().keys() - {"key"}
        fields = draw_fields(t, ComparativeTestPlan, names, **plan.model_dump())
        draft = ComparativeTestPlan.of(plan, **fields)
        slot = "comparative-test/plan"
        show_feedback(page, slot)
        if st.form_submit_button(t("Save the plan"), type="primary"):
            done = t("The plan is saved.")
            change_case(page, test.seen, change_comparative_test, done, slot, draft=draft)
            st.rerun()


def draw_rules(page: PageContext, test: ComparativeTestDetail, texts: ComparativeTestTexts) -> None:
    """Draw characteristics, devaluations, grades, worded by `texts`; for managers an upload."""
    t, rules = page.t, test.rules
    if rules.is_complete:
        table = texts.build_rule_table()
        st.html(render_text_table(table.heads, [list(map(format_cell, row)) for row in table.rows]))
        if rules.groups:
            marks = [
                (rule.heading or t("The whole product"), t(COMBINATION_NAMES[rule.combination]))
                for rule in rules.groups
            ]
            st.html(render_text_table((t("Heading"), t("Mark of the group")), marks))
        devaluations = [
            (texts.label(rule.name), texts.describe_devaluation(rule))
            for rule in rules.devaluations
        ]
        if devaluations:
            st.html(render_text_table((t("Devaluation"), t("Rule")), devaluations))
        grades = [(texts.label(each.name), f"{each.from_mark:f}") for each in rules.grades]
        st.html(render_text_table((t("Grade"), t("From mark")), grades))
        decision = rules.decision
        st.caption(
            t(
                "Decision rule (ILAC-G8:09/2019): {rule}. Guard band {factor} × U, with k = {k}.",
                rule=t(DECISION_NAMES[decision.kind]),
                factor=f"{decision.factor:f}",
                k=f"{decision.coverage:f}",
            )
        )
    if test.rules_sha256:
        st.caption(
            t(
                "The rules were sealed before the laboratory had a sample. SHA-256: {hash}",
                hash=test.rules_sha256,
            )
        )
    if not test.summary.may_manage or test.summary.state not in _OPEN:
        return
    _draw_earlier_rules(page, test)
    draw_list_upload(
        page,
        ListFile(
            f"rules-{test.summary.key}", t("Rules (XLSX)"), f"comparative-test/rules/{test.version}"
        ),
        template=lambda _: build_rules_sheets(rules),
        read=lambda _, name, content: read_rules_file(name, content),
        confirm=partial(_confirm_rules, page, test),
    )


def _draw_earlier_rules(page: PageContext, test: ComparativeTestDetail) -> None:
    """Draw a choice of an earlier test whose rules this one takes, to go on with its programme."""
    t = page.t
    with page.read() as work:
        sealed = {each.id: each.title for each in list_comparative_tests(work) if each.rules_sha256}
    if not sealed:
        return
    chosen = st.selectbox(
        t("Add models to an earlier test: take its rules"),
        list(sealed),
        format_func=lambda each: sealed[each][page.language],
        index=None,
        placeholder=t("Choose a test"),
        key=f"comparative-test/earlier/{test.version}",
    )
    if chosen is None:
        return
    with page.read() as work:
        rules = get_comparative_test(work, test_id=chosen).rules
    slot, done = "comparative-test/rules/earlier", t("The rules are stored.")
    draw_case_button(
        page, test.seen, slot, set_grading_rules, t("Take these rules"), done, rules=rules
    )


def _confirm_rules(page: PageContext, test: ComparativeTestDetail, uploaded: UploadedRules) -> None:
    t, rules = page.t, uploaded.rules
    if rules is None:
        return
    st.write(
        t(
            "{characteristics} characteristics, {devaluations} devaluations and {grades} grades.",
            characteristics=len(rules.characteristics),
            devaluations=len(rules.devaluations),
            grades=len(rules.grades),
        )
    )
    slot, done = "comparative-test/rules/store", t("The rules are stored.")
    label = t("Store these rules")
    draw_case_button(page, test.seen, slot, set_grading_rules, label, done, rules=rules)


def draw_samples(page: PageContext, test: ComparativeTestDetail) -> None:
    """Draw the product samples; while the test is planned, also their upload and the next step."""
    t = page.t
    if test.samples:
        shown = SampleData.columns().keys() - (() if test.summary.may_manage else {"receipt"})
        rows = [list_fields(t, each.data, shown) for each in test.samples]
        heads = [label for label, _ in rows[0]]
        st.html(render_text_table(heads, [[value for _, value in row] for row in rows]))
    draw_sample_photos(page, test)
    state = test.summary.state
    if not test.summary.may_manage:
        return
    if state is _State.PLANNED:
        list_first = st.container()
        with st.expander(t("Brand and model by barcode")):
            st.caption(
                t(
                    "A file with barcode, brand and model fills in what the list of samples leaves "
                    "empty, and is compared with what it says."
                )
            )
            given = st.file_uploader(
                t("Products by barcode (XLSX or CSV)"),
                ["xlsx", "csv"],
                key=f"comparative-test/barcodes/{test.version}",
            )
        barcodes = given.getvalue() if given is not None else b""
        with list_first:
            draw_list_upload(
                page,
                ListFile(
                    f"samples-{test.summary.key}",
                    t("List of samples (XLSX or CSV)"),
                    f"comparative-test/samples/{test.version}",
                    ("xlsx", "csv"),
                ),
                template=lambda _: SAMPLE_SHEET,
                read=partial(read_sample_file, seen=test.seen, barcodes=barcodes),
                confirm=partial(_confirm_samples, page, test),
            )
        if test.samples:
            slot = "comparative-test/samples/remove"
            show_feedback(page, slot)
            st.button(
                t("Remove all samples"),
                key=slot,
                on_click=change_case,
                args=(page, test.seen, remove_product_samples, t("The samples are removed."), slot),
            )
            draw_step(
                page,
                test.seen,
                f"comparative-test/step/{_State.BOUGHT}",
                advance_comparative_test,
                t("All samples are bought"),
                t("Afterwards no sample can be added or removed."),
                t("The samples are bought."),
                to=_State.BOUGHT,
            )
    elif state is _State.BOUGHT:
        draw_step(
            page,
            test.seen,
            f"comparative-test/step/{_State.AT_LABORATORY}",
            advance_comparative_test,
            t("Hand the samples to the laboratory"),
            t("This seals the rules: weights, limits and devaluations cannot change afterwards."),
            t("The laboratory has the samples, and the rules are sealed."),
            to=_State.AT_LABORATORY,
        )


def _confirm_samples(page: PageContext, test: ComparativeTestDetail, listed: SampleList) -> None:
    t = page.t
    st.write(t("{count} samples are right.", count=len(listed.samples)))
    draw_case_button(
        page,
        test.seen,
        "comparative-test/samples/store",
        add_product_samples,
        t("Enter these samples"),
        t("The samples are entered."),
        samples=listed.samples,
    )
