"""Tab of traders and brands: the rule, names that are public, lists, hearing and signing."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

import streamlit as st

from survey.access.roles import NATION, Action
from survey.access.work import Seen, Work
from survey.comparative_tests.hearings import ReplyData, is_heard
from survey.counts.trader_hearings import (
    STANCE_NAMES,
    NamingState,
    find_naming_signature,
    find_naming_state,
    record_trader_reply,
    send_to_trader,
    sign_naming,
    take_back_naming,
)
from survey.counts.trader_lists import (
    JoinState,
    TraderRow,
    TraderView,
    confirm_proposal,
    drop_proposal,
    propose_join,
    propose_parting,
    read_named_traders,
    read_trader_lists,
)
from survey.counts.trader_rules import end_trader_rule, find_trader_rule, set_trader_rule
from survey.counts.trader_view import (
    NO_FINDING,
    Table,
    build_list_table,
    build_named_table,
    describe_base,
    describe_list,
    describe_state,
)
from survey.kit.cases import (
    change_case,
    draw_case_button,
    draw_reply_form,
    draw_sending,
    draw_step,
    format_hearing_row,
    list_hearing_heads,
)
from survey.kit.chart_panel import draw_demo_mark
from survey.kit.feedback import run_change_below_button, show_feedback
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.record_form import draw_fields, list_fields
from survey.kit.signing import draw_awaited_people
from survey.kit.text_blocks import escape_markdown, render_facts, render_text_table
from survey.kit.url_state import pick
from survey.screens.evidence_releases import draw_evidence_filing
from survey.store.china_time import china_date, format_day
from survey.store.tables import TraderHearing, now
from survey.store.tables.traders import TraderRuleData

_SLOT = "traders"
_MOST_REASON_CHARS = 500


def read_rule(page: PageContext) -> TraderRuleData | None:
    """Return the rule on traders that stands, if any."""
    with page.read() as work:
        return find_trader_rule(work)


def draw_traders(page: PageContext, rule: TraderRuleData | None) -> None:
    """Draw names that are public; for those who deliver their lists; for the nation the rule."""
    t = page.t
    show_feedback(page)
    if rule is not None:
        st.caption(t(NO_FINDING))
        _draw_named(page)
        if page.principal.may(Action.DELIVER_EVIDENCE):
            _draw_lists(page)
    else:
        draw_notice(
            t("No rule on traders has been set"),
            t("Until the association sets its rule, nothing of traders is read, kept or shown."),
        )
    _draw_rule(page, rule)


def _draw_named(page: PageContext) -> None:
    t = page.t
    with page.read() as work:
        views = read_named_traders(work)
    st.subheader(t("Traders that are named"), anchor=False)
    if not views:
        st.caption(t("No trader is named."))
    for view in views:
        _draw_table(page, view, build_named_table(view, t))


def _draw_table(page: PageContext, view: TraderView, table: Table) -> None:
    t = page.t
    draw_demo_mark(page, view.is_demo)
    title = escape_markdown(describe_list(view, t, page.language))
    st.markdown(f"**{title}**  \n{escape_markdown(describe_base(view, t))}")
    st.html(render_text_table(*table, whole=(0, 1, 2)))


def _draw_lists(page: PageContext) -> None:
    t = page.t
    with page.read() as work:
        views = {f"{each.area}-{each.year}": each for each in read_trader_lists(work)}
    st.subheader(t("Totals by name, for those who deliver"), anchor=False)
    if not views:
        st.caption(
            t(
                "There is no list. One is made on the page of outside data from single complaints "
                "of a whole year."
            )
        )
        return
    names = {key: describe_list(each, t, page.language) for key, each in views.items()}
    view = views[pick(page, t("List"), "traders", names)]
    _draw_table(page, view, build_list_table(view, t))
    rows = {str(row.seen.id): row for row in (*view.rows, *view.joined)}
    if not rows:
        return
    chosen = st.selectbox(
        t("Name to work on"), list(rows), format_func=lambda key: rows[key].name, key=f"{_SLOT}/row"
    )
    if chosen is not None:
        _draw_steps(page, rows[chosen], view)


def _draw_steps(page: PageContext, row: TraderRow, view: TraderView) -> None:
    """Draw what can be done with a name as it stands."""
    t = page.t
    if row.hearing is not None:
        _draw_hearing(page, row, row.hearing)
    elif row.state is JoinState.JOINED:
        draw_step(
            page, row.seen, f"{_SLOT}/part", propose_parting, t("Propose to part the names"),
            t("Another person has to confirm it."), t("It is proposed to part the names."),
        )  # fmt: skip
    elif row.state is not JoinState.ALONE:
        _draw_proposal(page, row)
    else:
        draw_sending(
            page,
            row.seen,
            send_to_trader,
            (
                t("The trader gets its figures on paper or by e-mail and may answer until then."),
                t("The figures are sent"),
                t("It is recorded that the figures were sent."),
            ),
        )
        others = {str(each.seen.id): each.name for each in view.rows
                  if each is not row and not each.into}  # fmt: skip
        if others:
            _draw_join(page, row, others)


def _draw_proposal(page: PageContext, row: TraderRow) -> None:
    t = page.t
    st.markdown(escape_markdown(describe_state(row, t)))
    if row.is_own_proposal:
        st.caption(t("You proposed this. Another person confirms it."))
    draw_case_button(
        page, row.seen, f"{_SLOT}/confirm", confirm_proposal, t("Confirm the proposal"),
        t("The proposal is confirmed."),
    )  # fmt: skip
    draw_case_button(
        page, row.seen, f"{_SLOT}/drop", drop_proposal, t("Drop the proposal"),
        t("The proposal is dropped."),
    )  # fmt: skip


def _draw_join(page: PageContext, row: TraderRow, others: Mapping[str, str]) -> None:
    t, slot = page.t, f"{_SLOT}/join"
    with st.form(f"{slot}/{row.seen.id}/{row.seen.version}", border=True):
        chosen = st.selectbox(t("It is the same as"), list(others), format_func=others.__getitem__)
        st.caption(t("Another person has to confirm it. It can be undone in the same way."))
        show_feedback(page, slot)
        if st.form_submit_button(t("Propose to join the names")):
            done = t("It is proposed to join the names.")
            change_case(page, row.seen, propose_join, done, slot, into=UUID(chosen))
            st.rerun()


def _draw_hearing(page: PageContext, row: TraderRow, hearing: TraderHearing) -> None:
    t, seen = page.t, Seen(hearing.id, hearing.lock_version)
    cells = format_hearing_row(page, row.name, hearing, STANCE_NAMES)
    st.html(render_text_table(list_hearing_heads(page, t("Name")), [cells], whole=(1, 2, 3)))
    is_named = find_naming_state(hearing) is NamingState.NAMED
    if not is_named and is_heard(hearing, china_date(now())):
        _draw_signing(page, row, seen)
    elif not is_named:
        day = format_day(t, hearing.due_on)
        st.caption(t("It can be signed once the answer is in, or after {day}.", day=day))
    else:
        draw_evidence_filing(page, "trader", hearing.id)
    with st.expander(t("Answer of the trader")):
        draw_reply_form(
            page, seen, _record_reply, (t("Name"), "trader"), {str(row.seen.id): row.name},
            STANCE_NAMES,
        )  # fmt: skip
    label = t("Take the name back") if is_named else t("Drop the hearing")
    take_back = partial(take_back_naming, seen=seen)
    _draw_with_reason(page, label, f"{_SLOT}/back/{seen.id}/{seen.version}", take_back)


def _record_reply(work: Work, seen: Seen, *, trader: str, data: ReplyData) -> None:
    del trader  # the form has one choice
    record_trader_reply(work, seen, data=data)


def _draw_signing(page: PageContext, row: TraderRow, seen: Seen) -> None:
    t, name = page.t, escape_markdown(row.name)
    with page.read() as work:
        signature = find_naming_signature(work, hearing_id=seen.id)
    if signature.awaited:
        draw_awaited_people(page, t("You have signed"), signature.awaited)
    elif signature.releases:
        draw_step(
            page, seen, f"{_SLOT}/second", sign_naming, t("Sign and name the trader now"),
            t("Your signature names “{name}” to everybody who reads results, with its answer. It "
              "can be taken back with a reason.", name=name),
            t("Signed by you. The trader is named."), releases=True,
        )  # fmt: skip
    else:
        draw_step(
            page, seen, f"{_SLOT}/first", sign_naming, t("Give the first signature"),
            t("“{name}” is not named by it, but by the signature of a second person.", name=name),
            t("Signed by you. Another person signs next."), releases=False,
        )  # fmt: skip


def _draw_with_reason(
    page: PageContext, label: str, slot: str, service: Callable[..., object]
) -> None:
    """Draw a popover that asks for a reason and runs `service` with it."""
    t, field = page.t, f"{slot}/reason"
    with st.popover(label, key=slot):
        show_feedback(page, slot)
        st.text_input(t("Reason"), key=field, max_chars=_MOST_REASON_CHARS)
        st.button(label, key=f"{slot}/do", on_click=_run, args=(page, slot, service, t("Done.")))


def _run(page: PageContext, slot: str, service: Callable[..., Any], done: str) -> None:
    reason = str(st.session_state.get(f"{slot}/reason", ""))
    change = partial(service, reason=reason)
    run_change_below_button(page, change, done=done, slot=slot, drawn=[slot])


def _draw_rule(page: PageContext, rule: TraderRuleData | None) -> None:
    t, principal = page.t, page.principal
    may_set = principal.may(Action.RELEASE) and principal.covers(NATION)
    if rule is None and not may_set:
        return
    with st.expander(t("Rule on traders"), expanded=rule is None):
        if rule is not None:
            st.html(render_facts(list_fields(t, rule)))
        if not may_set:
            return
        st.caption(
            t(
                "The counsel of the association decides. Whoever sets the rule is in the audit "
                "trail. A new rule takes the place of the old one."
            )
        )
        with st.form(f"{_SLOT}/rule", border=True, enter_to_submit=False):
            start = rule.model_dump() if rule else {}
            given = draw_fields(t, TraderRuleData, **start)
            show_feedback(page, f"{_SLOT}/rule")
            if st.form_submit_button(t("Set this rule"), type="primary"):
                run_change_below_button(
                    page,
                    partial(set_trader_rule, data=TraderRuleData(**given)),
                    done=t("The rule is set."),
                    slot=f"{_SLOT}/rule",
                )
                st.rerun()
        if rule is not None:
            _draw_with_reason(page, t("End the rule"), f"{_SLOT}/end", end_trader_rule)
