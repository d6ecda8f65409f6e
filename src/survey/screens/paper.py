"""Paper entry: keying of sheets, verdicts on sheets keyed twice, error rates of typists."""

from collections.abc import Callable
from datetime import date
from functools import partial
from html import escape
from typing import Any
from uuid import UUID

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
    KeyingPoint,
    PendingSheet,
    SurveyorName,
    count_own_keyings,
    get_conflict,
    list_awaiting_adjudication,
    list_awaiting_second,
    list_keying_points,
    list_surveyors_at,
)
from survey.kit.browser_components import KeyingBatch, paper_grid
from survey.kit.feedback import run_change, show_feedback
from survey.kit.filters import filter_row, pick_linked, pick_started_wave
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext, page_fragment
from survey.kit.text_blocks import draw_freshness, explain, render_text_table
from survey.kit.url_state import pick_by_button, pick_pinned
from survey.locale import Message, Translator, label_text, msg
from survey.locale.figures import format_score
from survey.questionnaire.model import Instrument
from survey.store.china_time import china_date, format_day
from survey.store.tables import SheetState, WaveState, now
from survey.waves.instruments import load_instrument
from survey.waves.waves import WaveSummary, list_started_waves


def key_sheets(page: PageContext) -> None:
    t = page.t
    with page.read() as work:
        points = list_keying_points(work)
    if not points:
        draw_notice(
            t("There is nothing to key at the moment"),
            t("Sampling points appear here as soon as a wave is open and surveyors are assigned."),
            t("If you expected some, please ask your supervisor."),
        )
        return
    with filter_row("batch"):
        point = _pick_point(page, points)
        if point is None:
            return
        surveyor = _pick_surveyor(page, point)
        if surveyor is None:
            return
        day = _pick_day(page, point)
    with page.read() as work:
        instrument = load_instrument(session=work.session, instrument_id=point.instrument_id)
    _draw_keying(page, point, instrument, _build_batch(page, point, surveyor, day))


def _pick_point(page: PageContext, points: list[KeyingPoint]) -> KeyingPoint | None:
    """Draw the choice among `points`; return it; None, with a notice, if the link is to another."""
    by_code = {f"{point.wave_key}/{point.code}": point for point in points}
    several = len({point.wave_key for point in points}) > 1
    titles = {}
    for code, point in by_code.items():
        city = label_text(point.city_name, page.language, point.city_code)
        wave = label_text(point.wave_title, page.language, point.wave_key) if several else ""
        titles[code] = " · ".join(part for part in (city, point.name, point.code, wave) if part)
    linked = st.query_params.get("point")
    label, explanation = page.t("Sampling point"), explain("sampling point", page.language)
    chosen = pick_pinned(page, label, "point", titles, explanation=explanation)
    if chosen is None:
        draw_notice(
            page.t("The place of this link is not among those that you key for"),
            page.t("Nothing else was opened in its stead, so that no sheet is keyed elsewhere."),
            page.t("Please choose one above."),
        )
        return None
    if st.query_params.get("point") != linked:
        # The typist chose: the surveyor in the address is one of the point before.
        st.query_params.pop("surveyor", None)
    return by_code[chosen]


def _pick_surveyor(page: PageContext, point: KeyingPoint) -> SurveyorName | None:
    with page.read() as work:
        surveyors = list_surveyors_at(work, point_id=point.point_id)
    by_id = {str(surveyor.account_id): surveyor for surveyor in surveyors}
    names = {code: surveyor.name for code, surveyor in by_id.items()}
    chosen = pick_linked(page, page.t("Surveyor"), "surveyor", names)
    return None if chosen is None else by_id[chosen]


def _pick_day(page: PageContext, point: KeyingPoint) -> date:
    """Draw the choice of the interview day; it starts at yesterday, as paper arrives later."""
    last = china_date(now())
    first = min(point.first_day(now()), last)
    chosen = st.date_input(
        page.t("Day of the interview"),
        value=max(first, date.fromordinal(last.toordinal() - 1)),
        min_value=first,
        max_value=last,
        format="YYYY-MM-DD",
        key=f"paper-day/{point.wave_key}",
    )
    return chosen if isinstance(chosen, date) else last


def _build_batch(
    page: PageContext, point: KeyingPoint, surveyor: SurveyorName, day: date
) -> KeyingBatch:
    city = label_text(point.city_name, page.language, point.city_code)
    return KeyingBatch(
        wave=point.wave_key,
        point_id=str(point.point_id),
        surveyor_id=str(surveyor.account_id),
        interview_on=day.isoformat(),
        words=f"{city} · {point.name} · {surveyor.name} · {format_day(page.t, day)}",
    )


@page_fragment()
def _draw_keying(
    page: PageContext, point: KeyingPoint, instrument: Instrument, batch: KeyingBatch
) -> None:
    """Draw the grid that keys sheets of `batch`, the typist's count, and sheets to key again."""
    count = st.empty()
    paper_grid(
        page,
        instrument,
        batch,
        key="paper-grid",
        draft_key=f"paper-{page.principal.account_id.hex[-12:]}-{point.wave_key}",
    )
    with page.read() as work:
        own = count_own_keyings(work)
        waiting = list_awaiting_second(work)
    t = page.t
    pace = t("Half of them took up to {seconds} s.", seconds=round(own.seconds or 0))
    keyed = t("You have keyed {count} sheets today.", count=own.sheets)
    count.caption(f"{keyed} {pace}" if own.seconds is not None else keyed)
    _show_waiting(t, waiting)


def _show_waiting(t: Translator, waiting: list[PendingSheet]) -> None:
    st.subheader(t("To be keyed a second time"), anchor=False)
    if not waiting:
        st.caption(t("No sheet of a colleague waits for you."))
        return
    st.caption(
        t(
            "These were drawn for double entry. Take the paper and key it as if it were new; "
            "what your colleague keyed is not shown."
        )
    )
    st.html(render_sheets(t, waiting))


def render_sheets(t: Translator, sheets: list[PendingSheet], chosen: UUID | None = None) -> str:
    heads = (t("Sheet number"), t("Sampling point"), t("Surveyor"), t("Day of the interview"))
    rows = ""
    for sheet in sheets:
        cells = (
            sheet.serial,
            sheet.point_name,
            sheet.surveyor_name,
            format_day(t, sheet.interview_on),
        )
        mark = ' aria-current="true"' if sheet.sheet_id == chosen else ""
        rows += f"<tr{mark}>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
    head = "".join(f"<th>{escape(words)}</th>" for words in heads)
    return f'<table class="hcs-sheets"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


@page_fragment()
def draw_adjudication(page: PageContext) -> None:
    """Draw the paper sheet that waits longest to have two keyings settled, and a list of all."""
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
    """Return as JSON data the fields that two keyings differ in (both values) or agree in."""
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
    """Return ids and days as text and JSON values unchanged."""
    return value if value is None or isinstance(value, int | float | str | list) else str(value)


def show_typists(page: PageContext) -> None:
    """Draw the error rates of the typists of a wave, and the share of sheets keyed twice."""
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
    reading = page.read_late(partial(list_typist_errors, wave_key=wave.key))
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
        heads = (
            t("Typist"), t("Sheets keyed"), t("Of these checked"), t("Fields checked"), t("Errors"),
            t("Errors in 100 fields"),
        )  # fmt: skip
        st.html(render_text_table(heads, [_write_errors(t, row) for row in rows]))
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
        run_change(page, lambda work: set_share(work, wave_key=wave.key, share=percent / 100))
        st.rerun()


def _write_errors(t: Translator, row: TypistErrors) -> tuple[str, ...]:
    if row.rate is None or row.low is None or row.high is None:
        rate = t("not known yet")
    else:
        interval = t(
            "{low} to {high}", low=format_score(row.low * 100), high=format_score(row.high * 100)
        )
        rate = f"{format_score(row.rate * 100)} ({interval})"
    return (
        row.name, f"{row.keyed:,}", f"{row.checked:,}", f"{row.fields:,}", f"{row.errors:,}", rate
    )  # fmt: skip


_VIEWS: dict[str, tuple[Message, Action, Callable[[PageContext], None]]] = {
    "key": (msg("Key sheets"), Action.KEY_PAPER, key_sheets),
    "verdict": (msg("Settle differences"), Action.SETTLE_PAPER, draw_adjudication),
    "typists": (msg("Typists and errors"), Action.REVIEW, show_typists),
}


def draw_paper(page: PageContext) -> None:
    """Draw the chosen view: keying sheets, settling differences, or typists' error rates."""
    t = page.t
    own = {
        code: t(name) for code, (name, action, _) in _VIEWS.items() if page.principal.may(action)
    }
    _VIEWS[pick_by_button(page, t("What to do"), "view", own)][2](page)
