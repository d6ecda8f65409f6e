"""The page of comparative tests: which test, its answer first, and a tab for each of its parts."""

from collections.abc import Callable, Mapping
from functools import partial

import streamlit as st

from survey.access.roles import NATION, Action
from survey.comparative_tests.access import STATE_NAMES
from survey.comparative_tests.plan import create_comparative_test
from survey.comparative_tests.reading import (
    ComparativeTestDetail,
    ComparativeTestSummary,
    get_comparative_test,
    list_comparative_tests,
)
from survey.figures.views.comparative_test import ComparativeTestTexts
from survey.kit.feedback import feedback_above, perform, show_feedback
from survey.kit.filters import pick_linked
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.record_form import draw_fields
from survey.kit.text_blocks import escape_markdown
from survey.kit.url_state import draw_tabs
from survey.screens.comparative_tests.laboratory import draw_hearing, draw_laboratory
from survey.screens.comparative_tests.preparation import draw_plan, draw_rules, draw_samples
from survey.screens.comparative_tests.result_table import draw_results
from survey.screens.comparative_tests.signing import draw_release
from survey.store.tables import ComparativeTestState
from survey.store.tables.evidence import ComparativeTestPlan

_NEW = "new"
_FIRST_FIELDS = ("key", "title_zh", "title_en", "purpose", "funder")
"""What is known of a test before its laboratory is."""
_State = ComparativeTestState


def draw_comparative_tests(page: PageContext) -> None:
    """Draw the choice of a test, and the one chosen; those who run tests can plan another."""
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
    key = _pick_test(page, by_key, may_plan=may_plan)
    if key == _NEW:
        _draw_new_test(page)
    elif key is not None:
        with page.read() as work:
            test = get_comparative_test(work, test_id=by_key[key].id)
        _draw_test(page, test)


def _pick_test(
    page: PageContext, by_key: Mapping[str, ComparativeTestSummary], *, may_plan: bool
) -> str | None:
    t = page.t

    def show(key: str) -> str:
        if key == _NEW:
            return t("Plan a new test")
        test = by_key[key]
        state = t(STATE_NAMES[test.state])
        return f"{test.title[page.language]} · {state}"

    options = [*by_key, *([_NEW] if may_plan else [])]
    return pick_linked(page, t("Test"), "test", options, show)


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
    draw_tabs(tabs, language=page.language)


def _draw_new_test(page: PageContext) -> None:
    t = page.t
    with st.form("comparative-test/new", border=True, enter_to_submit=False):
        entered = draw_fields(t, ComparativeTestPlan, _FIRST_FIELDS)
        if not st.form_submit_button(t("Plan the test"), type="primary"):
            return
    area = page.principal.area if len(page.principal.area) == 2 else NATION
    draft = ComparativeTestPlan(area=area, **entered)
    planned = perform(
        page,
        lambda work: create_comparative_test(work, draft=draft),
        done=t("The test is planned. Next come rules and samples."),
    )
    if planned is None:
        show_feedback(page)
        return
    st.query_params["test"] = draft.key
    st.rerun()
