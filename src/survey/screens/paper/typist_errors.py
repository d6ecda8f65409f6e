"""Paper under a second look: sheets decided between two keyings, error rates of typists."""

from html import escape
from typing import Any

import streamlit as st

from survey.access.roles import Action
from survey.collection.paper.keying import (
    HEAD,
    TypistErrors,
    count_unsettled,
    list_typist_errors,
    set_share,
    share_of,
)
from survey.collection.paper.keying_queue import (
    KeyingConflict,
    PendingSheet,
    get_conflict,
    list_awaiting_adjudication,
)
from survey.kit.browser_components import KeyingBatch, paper_grid
from survey.kit.feedback import perform, show_feedback
from survey.kit.filters import pick_started_wave
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext, page_fragment
from survey.kit.text_blocks import draw_freshness
from survey.locale import Translator
from survey.locale.figures import format_score
from survey.screens.paper.keying import render_sheets
from survey.store.china_time import format_day
from survey.store.read_replica import read_late
from survey.store.tables import SheetState, WaveState
from survey.waves.waves import WaveSummary, list_started_waves


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


def show_typists(page: PageContext) -> None:
    """Draw the error rates of the typists of a wave and the share that is keyed twice."""
    t = page.t
    show_feedback(page)
    with page.read() as work:
        waves = list_started_waves(work)
    if not waves:
        draw_notice(
            t("No wave has begun yet"), t("Errors appear here once sheets are keyed twice.")
        )
        return
    wave = pick_started_wave(page, waves)
    if wave is None:
        return
    reading = read_late(
        page.settings,
        lambda session: list_typist_errors(page.work(session), wave_key=wave.key),
        reader=page.principal.account_id,
    )
    rows = reading.value
    draw_freshness(t, reading.freshness)
    with page.read() as work:
        waiting = count_unsettled(work, wave_key=wave.key)
        share = share_of(work, wave_id=wave.id)
    drawn = t(
        "{share}%\u00a0of the sheets of this wave are drawn to be keyed twice.",
        share=f"{share * 100:.4g}",
    )
    st.caption(drawn)
    if any(waiting.values()):
        st.info(
            t(
                "Not counted yet: {second} sheets wait to be keyed again, {verdict} for a verdict. "
                "Settle them before the wave is frozen.",
                second=waiting[SheetState.SECOND],
                verdict=waiting[SheetState.VERDICT],
            )
        )
    if page.principal.may(Action.ADMINISTER) and wave.state == WaveState.OPEN:
        _draw_share_form(page, wave, share)
    if rows:
        st.html(_render_errors(t, rows))
        st.caption(
            t(
                "An error is a field that was keyed differently from what was settled. Only sheets "
                "keyed twice and settled are counted; the range is the 95%\u00a0interval."
            )
        )
    else:
        draw_notice(t("Nothing has been keyed in this wave"), t("Errors appear here later."))


def _draw_share_form(page: PageContext, wave: WaveSummary, share: float) -> None:
    t = page.t
    with (
        st.form("paper-share", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        percent = st.number_input(
            t("Keyed twice, %\u00a0of the sheets keyed from now on"),
            min_value=0.0,
            max_value=100.0,
            value=share * 100,
            step=5.0,
            format="%.0f",
            key=f"paper-share/{wave.key}",
        )
        wanted = st.form_submit_button(t("Change the share"))
    if wanted:
        perform(page, lambda work: set_share(work, wave_key=wave.key, share=percent / 100))
        st.rerun()


def _render_errors(t: Translator, rows: list[TypistErrors]) -> str:
    heads = (
        t("Typist"), t("Sheets keyed"), t("Of these checked"), t("Fields checked"), t("Errors"),
        t("Errors in 100 fields"),
    )  # fmt: skip
    head = "".join(f"<th>{escape(words)}</th>" for words in heads)
    body = "".join(_render_error_row(t, row) for row in rows)
    return f'<table class="hcs-sheets"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _render_error_row(t: Translator, row: TypistErrors) -> str:
    if row.rate is None or row.low is None or row.high is None:
        rate = t("not known yet")
    else:
        interval = t(
            "{low} to {high}", low=format_score(row.low * 100), high=format_score(row.high * 100)
        )
        rate = f"{format_score(row.rate * 100)} ({interval})"
    cells = (
        row.name, f"{row.keyed:,}", f"{row.checked:,}", f"{row.fields:,}", f"{row.errors:,}", rate
    )  # fmt: skip
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
