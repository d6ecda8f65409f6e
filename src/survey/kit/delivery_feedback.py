"""Messages about a delivery of counts: its wrong rows, what it changes, what was stored."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import streamlit as st

from survey.collection.importing.rejections import reason_of
from survey.counts.closed_months import MAX_REASON_CHARS
from survey.counts.complaint_view import name_area
from survey.counts.count_check import MAX_PROBLEMS, CountCheck
from survey.counts.count_declaration import CountKind
from survey.counts.deliveries import DeliveryHead, DeliveryReceipt
from survey.counts.delivery_changes import AreaChange, DeliveryChanges
from survey.counts.lost_lists import name_lost
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import MAX_LISTED_ROWS, draw_long_table, render_text_table
from survey.locale.figures import format_count
from survey.store.china_time import china_date
from survey.store.tables import now


def draw_count_problems(page: PageContext, check: CountCheck) -> None:
    """Draw the wrong cells of a file of counts: row, column, value and reason of each."""
    t = page.t
    draw_notice(
        t("{count} problems in {rows} rows", count=check.problem_count, rows=check.row_count),
        t("Nothing was written. Please correct the file and choose it again."),
        alert=True,
    )
    rows = [
        (str(each.row), each.column, each.value, reason_of(each.message, page.language, t))
        for each in check.problems[:MAX_PROBLEMS]
    ]
    heads = (t("Row"), t("Column"), t("Value"), t("Reason"))
    st.html(render_text_table(heads, rows, whole=(0, 1, 2)))
    if check.problem_count > len(rows):
        st.caption(t("The first {count} are listed.", count=len(rows)))


def draw_delivery_changes(page: PageContext, kind: CountKind, changes: DeliveryChanges) -> None:
    """Draw which counts a delivery changes by area and month; losses are in an error box."""
    t = page.t
    if changes.lost_lists:
        st.error(
            t(
                "Where counts stand already, this delivery lacks classes, lists or "
                "columns that stand there. They would be lost:"
            )
        )
        lost_rows = [
            (name_lost(kind, each, page.language), each.period, format_count(each.areas))
            for each in changes.lost_lists
        ]
        draw_long_table(
            (t("Would be lost"), t(kind.period), t("Areas")),
            lost_rows,
            key="outside/lost-lists",
            show_all=t("Show all {count} rows", count=len(lost_rows)),
            listed=t("The first {count} rows.", count=MAX_LISTED_ROWS),
            whole=(1, 2),
        )
    heads = (t("Area"), t(kind.period), t("Stands"), t("Comes"), t("Would be lost"))
    if changes.losses:
        st.error(
            t(
                "This delivery takes the place of what stands, and does not have all of it: "
                "{areas} areas would lose what stands. Exact lists follow.",
                areas=len({row.area for row in changes.losses}),
            )
        )
        _draw_changes(page, "outside/lost", heads, changes.losses)
    kept = [row for row in changes.rows if not row.lost and row.before != row.after]
    if any(row.before is not None for row in kept):
        st.caption(t("What else changes:"))
        _draw_changes(page, "outside/changed", heads[:-1], kept)


def _draw_changes(
    page: PageContext, key: str, heads: tuple[str, ...], changes: Sequence[AreaChange]
) -> None:
    t = page.t
    rows = [
        (
            name_area(each.area, page.language), each.period, format_count(each.before),
            format_count(each.after), t(", ").join(each.lost),
        )[: len(heads)]
        for each in changes
    ]  # fmt: skip
    draw_long_table(
        heads,
        rows,
        key=key,
        show_all=t("Show all {count} rows", count=len(rows)),
        listed=t("The first {count} rows.", count=MAX_LISTED_ROWS),
        whole=(1, 2, 3),
    )


def describe_receipt(page: PageContext, receipt: DeliveryReceipt) -> str:
    """Return the sentence on a stored delivery: each month with the number of its revision."""
    t = page.t
    months = ", ".join(
        t("{month} (revision {number})", month=month, number=number)
        for month, number in receipt.revisions.items()
    )
    if receipt.is_repeated:
        return t("This very file is stored already: {months}.", months=months)
    return t("Stored: {months}.", months=months)


def draw_head_form(
    page: PageContext, changes: DeliveryChanges, head: DeliveryHead, closed: Sequence[str] = ()
) -> DeliveryHead | None:
    """Draw the form of what is said of a delivery; return `head` with it once it is sent.

    Losses are confirmed in it by a box that names exactly these.

    Args:
        closed: Months of it that are closed, for which it asks a reason.
    """
    t = page.t
    with st.form("outside/form", border=True):
        source = st.text_input(t("Source"), max_chars=200, key="outside/source")
        day = st.date_input(
            t("Data as of"),
            value=china_date(now()),
            max_value=china_date(now()),
            format="YYYY-MM-DD",
            key="outside/day",
        )
        faults = st.text_area(
            t("Known faults; shown with every figure"), max_chars=2_000, key="outside/faults"
        )
        correction = ""
        if closed:
            correction = st.text_input(
                t(
                    "{months}: closed already. This is a correction; its reason",
                    months=t(", ").join(closed),
                ),
                max_chars=MAX_REASON_CHARS,
                key="outside/correction",
            )
        is_confirmed = bool(changes.confirmation) and st.checkbox(
            t("What is listed in red shall be lost; the edition that stands stays readable."),
            key=f"outside/confirmed/{changes.confirmation}",
        )
        sent = st.form_submit_button(t("Store this delivery"), type="primary")
    if not sent or not isinstance(day, date):
        return None
    return replace(
        head,
        source=source or "",
        data_as_of=day,
        known_faults=faults or "",
        confirmed_losses=changes.confirmation if is_confirmed else "",
        correction=correction or "",
    )
