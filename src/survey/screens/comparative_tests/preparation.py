"""Plan, rules and samples of a comparative test, until the laboratory has them."""

from functools import partial

import streamlit as st

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
from survey.comparative_tests.reading import ComparativeTestDetail
from survey.comparative_tests.rules_workbook import (
    DECISION_NAMES,
    UploadedRules,
    build_rules_sheets,
    read_rules_file,
)
from survey.figures.views.comparative_test import ComparativeTestTexts
from survey.kit.cases import change_case, draw_step
from survey.kit.feedback import show_feedback
from survey.kit.page_runner import PageContext
from survey.kit.record_form import draw_fields, list_fields
from survey.kit.text_blocks import render_text_table
from survey.screens.plan.staff import draw_list_upload
from survey.store.tables import ComparativeTestState
from survey.store.tables.evidence import ComparativeTestPlan, SampleData

_State = ComparativeTestState
_OPEN = (_State.PLANNED, _State.BOUGHT)
_SHOWN = ("purpose", "funder", "laboratory", "accreditation")


def draw_plan(page: PageContext, test: ComparativeTestDetail) -> None:
    """Draw purpose, funder and laboratory, as a form while they can change."""
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
    """Draw characteristics, devaluations and grades, and their upload while they can change."""
    t, rules = page.t, test.rules
    if rules.is_complete:
        st.html(
            render_text_table(
                (
                    t("Characteristic"),
                    t("Weight (%)"),
                    t("Limit"),
                    t("Standard of the limit, with its edition"),
                    t("Test method, with its edition"),
                ),
                [
                    (
                        texts.characteristic_head(each),
                        f"{each.weight:f}",
                        texts.format_limit(each),
                        each.limit_standard or "–",
                        each.method,
                    )
                    for each in rules.characteristics
                ],
            )
        )
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
    draw_list_upload(
        page,
        name=f"rules-{test.summary.key}",
        label=t("Rules (XLSX)"),
        file_key=f"comparative-test/rules/{test.version}",
        template=lambda _: build_rules_sheets(rules),
        read=lambda _, name, content: read_rules_file(name, content),
        confirm=partial(_confirm_rules, page, test),
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
    slot = "comparative-test/rules/store"
    show_feedback(page, slot)
    st.button(
        t("Store these rules"),
        key=slot,
        type="primary",
        on_click=change_case,
        args=(page, test.seen, set_grading_rules, t("The rules are stored."), slot),
        kwargs={"rules": rules},
    )


def draw_samples(page: PageContext, test: ComparativeTestDetail) -> None:
    """Draw the samples, and the list to enter while the test is planned."""
    t = page.t
    if test.samples:
        shown = SampleData.columns().keys() - (() if test.summary.may_manage else {"receipt"})
        rows = [list_fields(t, each.data, shown) for each in test.samples]
        heads = [label for label, _ in rows[0]]
        st.html(render_text_table(heads, [[value for _, value in row] for row in rows]))
    state = test.summary.state
    if not test.summary.may_manage:
        return
    if state is _State.PLANNED:
        draw_list_upload(
            page,
            name=f"samples-{test.summary.key}",
            label=t("List of samples (XLSX or CSV)"),
            file_key=f"comparative-test/samples/{test.version}",
            template=lambda _: SAMPLE_SHEET,
            read=lambda session, name, content: read_sample_file(
                page.work(session), test.seen, name=name, content=content
            ),
            confirm=partial(_confirm_samples, page, test),
            types=("xlsx", "csv"),
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
    slot = "comparative-test/samples/store"
    show_feedback(page, slot)
    st.button(
        t("Enter these samples"),
        key=slot,
        type="primary",
        on_click=change_case,
        args=(page, test.seen, add_product_samples, t("The samples are entered."), slot),
        kwargs={"samples": listed.samples},
    )
