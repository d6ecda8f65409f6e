"""Adjudication of sheets that were keyed twice and differ."""

from typing import Any

import streamlit as st

from survey.fieldwork.paper.keying import HEAD
from survey.fieldwork.paper.keying_queue import (
    KeyingConflict,
    PendingSheet,
    get_conflict,
    list_awaiting_adjudication,
)
from survey.store.china_time import format_day
from survey.ui.browser_components import KeyingBatch, paper_grid
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext, page_fragment
from survey.ui.paper.keying import render_sheets


@page_fragment()
def draw_adjudication(page: PageContext) -> None:
    """Draw the sheet that has waited longest, and below it the list of the others."""
    t = page.t
    with page.read() as work:
        waiting = list_awaiting_adjudication(work)
        if waiting:
            first = get_conflict(work, sheet_id=waiting[0].sheet_id)
    if not waiting:
        draw_notice(
            t("Nothing waits for your verdict"),
            t(
                "A sheet appears here when two people have keyed it differently. "
                "Whoever keyed it cannot settle it."
            ),
        )
        return
    st.caption(
        t(
            "Sheet {serial} was keyed twice. Fields that differ: {count}. "
            "Take the paper and choose what it says.",
            serial=first.serial,
            count=len(first.fields),
        )
    )
    if _draw_conflict(page, first, waiting[0]):
        st.rerun(scope="fragment")
    st.subheader(t("Waiting for a verdict"), anchor=False)
    st.html(render_sheets(t, waiting, chosen=first.sheet_id))


def _draw_conflict(page: PageContext, shown: KeyingConflict, head: PendingSheet) -> bool:
    keyed = shown.first.keyed
    batch = KeyingBatch(
        wave=shown.wave_key,
        point_id=str(keyed.point_id),
        surveyor_id=str(keyed.surveyor_id),
        interview_on=keyed.interview_on.isoformat(),
        words=f"{shown.serial} · {head.point_name} · {head.surveyor_name} · "
        f"{format_day(page.t, head.interview_on)}",
    )
    return paper_grid(
        page,
        shown.instrument,
        batch,
        key="paper-verdict",
        draft_key=f"verdict-{page.principal.account_id.hex[-12:]}-{shown.sheet_id.hex}",
        verdict=_build_adjudication_data(shown),
    )


def _build_adjudication_data(shown: KeyingConflict) -> dict[str, Any]:
    """Return both values of each differing field and the agreed fields, for the browser."""
    both = (shown.first, shown.second)
    fields = [side.keyed.fields for side in both]
    sides = {
        name: [_convert_for_json(each[name]) if name in each else _NOT_ASKED for each in fields]
        for name in shown.fields
    }
    agreed = {
        name: value
        for name, value in shown.first.keyed.answers.items()
        if name not in sides and name not in HEAD
    }
    names = {str(side.keyed.point_id): side.point_name for side in both}
    names |= {str(side.keyed.surveyor_id): side.surveyor_name for side in both}
    return {
        "serial": shown.serial,
        "sides": sides,
        "agreed": {name: value for name, value in agreed.items() if value is not None},
        "blank": [name for name, value in agreed.items() if value is None],
        "names": names,
    }


_NOT_ASKED: dict[str, bool] = {"absent": True}
"""JSON has no word for a question that was not on the route."""


def _convert_for_json(value: Any) -> Any:
    """Convert ids and days to text; answers are JSON already."""
    return value if value is None or isinstance(value, int | float | str | list) else str(value)
