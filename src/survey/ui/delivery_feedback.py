"""What is said about a delivery: its wrong rows, and what was stored of it."""

from typing import Any

import streamlit as st

from survey.context.count_check import CountCheck
from survey.context.deliveries import DeliveryReceipt
from survey.fieldwork.importing.rejections import reason_of
from survey.ui.html_table import render_text_table
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext


def draw_count_problems(page: PageContext, check: CountCheck[Any]) -> None:
    """Draw what is wrong in which row of a delivery."""
    t = page.t
    draw_notice(
        t("{count} problems in {rows} rows", count=check.problem_count, rows=check.row_count),
        t("Nothing was written. Please correct the file and choose it again."),
        alert=True,
    )
    rows = [
        (str(each.row), each.column, each.value, reason_of(each.message, page.language, t))
        for each in check.problems
    ]
    heads = (t("Row"), t("Column"), t("Value"), t("Reason"))
    st.html(render_text_table(heads, rows, whole=(0, 1, 2)))
    if check.problem_count > len(rows):
        st.caption(t("The first {count} are listed.", count=len(rows)))


def describe_receipt(page: PageContext, receipt: DeliveryReceipt) -> str:
    """Return what was stored, month by month."""
    t = page.t
    months = ", ".join(
        t("{month} (revision {number})", month=month, number=number)
        for month, number in receipt.revisions.items()
    )
    if receipt.is_repeated:
        return t("This very file is stored already: {months}.", months=months)
    return t("Stored: {months}.", months=months)
