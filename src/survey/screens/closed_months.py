"""Closing of months of complaints: what each lacks, who closed it, and the press that closes it."""

from functools import partial

import streamlit as st

from survey.access.roles import NATION
from survey.counts.closed_months import (
    MonthClosing,
    close_month,
    list_closed_months,
    list_months_to_close,
    list_open_months,
)
from survey.counts.complaint_view import describe_missing
from survey.kit.feedback import run_change
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import MAX_LISTED_ROWS, draw_long_table, draw_sentences
from survey.store.china_time import format_china_minute


def draw_closing(page: PageContext) -> None:
    """Draw, for those who deliver for the nation, the months to close and those that are closed."""
    t = page.t
    if not page.principal.covers(NATION):
        return
    with page.read() as work:
        waiting, closed = list_open_months(work), list_closed_months(work)
        due = len(list_months_to_close(work))
    if not waiting and not closed:
        return
    with st.expander(t("Close a month: {due} due, {count} open", due=due, count=len(waiting))):
        st.caption(
            t(
                "Of a closed month everybody sees that it is final. A delivery that comes later is "
                "a correction and needs a reason."
            )
        )
        if waiting:
            _draw_press(page, {each.period: each for each in waiting})
        if closed:
            _draw_closed(page, list(closed.values()))


def _draw_press(page: PageContext, waiting: dict[str, MonthClosing]) -> None:
    t = page.t
    period = st.selectbox(t("Month"), list(waiting), key="outside/to-close")
    draw_sentences(describe_missing(waiting[period].missing, page.language))
    if st.button(t("Close {month}", month=period), key="outside/close"):
        run_change(
            page, partial(close_month, period=period), done=t("{month} is closed.", month=period)
        )
        st.rerun()


def _draw_closed(page: PageContext, closed: list[MonthClosing]) -> None:
    t = page.t
    rows = [
        (
            each.period,
            format_china_minute(t, each.closed_at) if each.closed_at else "",
            each.closed_by or "–",
            " ".join(describe_missing(each.missing, page.language)),
        )
        for each in closed
    ]
    draw_long_table(
        (t("Month"), t("Closed at"), t("Closed by"), t("What was missing")),
        rows,
        key="outside/closed",
        show_all=t("Show all {count} rows", count=len(rows)),
        listed=t("The first {count} rows.", count=MAX_LISTED_ROWS),
        whole=(0, 1),
    )
