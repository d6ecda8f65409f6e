"""Published quarters of complaints: their tables, their form when brought in, their withdrawal."""

from functools import partial
from uuid import UUID

import streamlit as st

from survey.access.roles import NATION, Action
from survey.counts.bringing_in.published_tables import PublishedFile
from survey.counts.complaint_lists import LENS_NAMES
from survey.counts.count_declaration import TOTAL
from survey.counts.count_kinds import COMPLAINTS
from survey.counts.deliveries import DeliveryHead
from survey.counts.delivery_changes import DeliveryNotAllowedError
from survey.counts.published_quarters import (
    preview_published,
    read_published_quarters,
    store_published,
    withdraw_published,
)
from survey.counts.published_view import build_published_view, name_period
from survey.kit.chart_panel import draw_count_notes, draw_demo_mark
from survey.kit.delivery_feedback import (
    describe_receipt,
    draw_count_problems,
    draw_delivery_changes,
    draw_head_form,
)
from survey.kit.feedback import run_change
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext, read_cached
from survey.kit.text_blocks import escape_markdown, render_table
from survey.kit.url_state import pick
from survey.locale.figures import format_count
from survey.store.china_time import china_date, format_china_minute
from survey.store.tables import now


def draw_published_quarters(page: PageContext) -> None:
    """Draw the published tables of one quarter, each with its source; nothing if there are none."""
    t = page.t
    found = read_cached(page, read_published_quarters, "published quarters")
    if not found:
        return
    st.subheader(t("As the association publishes it"), anchor=False)
    names = {each.period: name_period(each.period, t) for each in found}
    period = pick(page, t("Quarter or half-year"), "quarter", names)
    for each in sorted(found, key=lambda each: [*LENS_NAMES].index(each.lens)):
        if each.period == period:
            view = build_published_view(each, t, page.language)
            draw_demo_mark(page, view.is_demo)
            st.markdown(f"**{escape_markdown(view.title)}**")
            st.html(render_table(*view.table))
            draw_count_notes(view.notes)


def draw_published_form(page: PageContext, file: PublishedFile, name: str) -> None:
    """Draw what a file of published tables holds, what it would lose, and the form to store it."""
    t = page.t
    if file.problems:
        draw_count_problems(page, file.check)
        return
    listed = [
        t(
            "{period}, {list}, {count} complaints",
            period=name_period(each.period, t),
            list=t(LENS_NAMES[each.lens]),
            count=format_count(each.counts[TOTAL]),
        )
        for each in file.tables
    ]
    st.success(
        t(
            "Published tables of the nation: {tables}. They have no months and no areas, are shown "
            "with their source, and are added to nothing.",
            tables="; ".join(listed),
        )
    )
    if not page.principal.covers(NATION):
        draw_notice(
            t("This cannot be stored"),
            t("Published tables are those of the nation, and its offices bring them in."),
        )
        return
    try:
        with page.read() as work:
            changes = preview_published(work, file=file)
    except DeliveryNotAllowedError as error:
        draw_notice(t("This cannot be stored"), t(error.message), t("Nothing was written."))
        return
    draw_delivery_changes(page, COMPLAINTS, changes)
    head = draw_head_form(page, changes, DeliveryHead("-", "", china_date(now()), file_name=name))
    if head is not None:
        change = partial(store_published, file=file, head=head)
        run_change(page, change, done=partial(describe_receipt, page))
        st.rerun()


def draw_published_withdrawal(page: PageContext) -> None:
    """Draw the form that withdraws a published table, where there is one and the right to it."""
    t = page.t
    if not page.principal.covers(NATION) or not page.principal.may(Action.DELIVER_EVIDENCE):
        return
    with page.read() as work:
        found = {each.table_id: each for each in read_published_quarters(work)}
    if not found:
        return

    def describe(table_id: UUID) -> str:
        each = found[table_id]
        period, lens = name_period(each.period, t), t(LENS_NAMES[each.lens])
        return " · ".join((period, lens, each.source, format_china_minute(t, each.delivered_at)))

    with (
        st.expander(t("Published quarters")),
        st.form("outside/published-withdrawal", border=False),
    ):
        chosen = st.selectbox(
            t("Delivery"), list(found), format_func=describe, key="outside/published"
        )
        reason = st.text_input(t("Reason"), max_chars=200, key="outside/published-reason")
        sent = st.form_submit_button(t("Withdraw this table"))
    if sent and chosen is not None:
        change = partial(withdraw_published, table_id=chosen, reason=reason or "")
        run_change(page, change, done=t("The table is withdrawn."))
        st.rerun()
