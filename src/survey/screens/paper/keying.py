"""Keying of paper sheets in batches of one point, surveyor and day."""

from datetime import date
from html import escape
from uuid import UUID

import streamlit as st

from survey.collection.paper.keying_queue import (
    KeyingPoint,
    PendingSheet,
    SurveyorName,
    count_own_keyings,
    list_awaiting_second,
    list_keying_points,
    list_surveyors_at,
)
from survey.kit.browser_components import KeyingBatch, paper_grid
from survey.kit.filters import filter_row, pick_linked
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext, page_fragment
from survey.kit.text_blocks import explain
from survey.kit.url_state import pick_pinned
from survey.locale import Translator, label_text
from survey.questionnaire.model import Instrument
from survey.store.china_time import china_date, format_day
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.waves.instruments import load_instrument


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
    with read_scope(page.settings.store_url) as session:
        instrument = load_instrument(session=session, instrument_id=point.instrument_id)
    _draw_keying(page, point, instrument, _build_batch(page, point, surveyor, day))


def _pick_point(page: PageContext, points: list[KeyingPoint]) -> KeyingPoint | None:
    """Draw the choice of a point; None, with a notice, if the address names another."""
    by_code = {f"{point.wave_key}/{point.code}": point for point in points}
    several = len({point.wave_key for point in points}) > 1

    def title(code: str) -> str:
        point = by_code[code]
        city = label_text(point.city_name, page.language, point.city_code)
        wave = label_text(point.wave_title, page.language, point.wave_key) if several else ""
        return " · ".join(part for part in (city, point.name, point.code, wave) if part)

    linked = st.query_params.get("point")
    chosen = pick_pinned(
        page.t("Sampling point"),
        "point",
        list(by_code),
        show=title,
        language=page.language,
        explanation=explain("sampling point", page.language),
    )
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
    chosen = pick_linked(
        page, page.t("Surveyor"), "surveyor", list(by_id), lambda code: by_id[code].name
    )
    return None if chosen is None else by_id[chosen]


def _pick_day(page: PageContext, point: KeyingPoint) -> date:
    """Draw the choice of the interview day; starts at yesterday, as paper arrives a day late."""
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
    """Draw the keying grid as a fragment: a received sheet runs nothing else again."""
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
    head = "".join(f"<th>{escape(words)}</th>" for words in heads)
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
    return f'<table class="hcs-sheets"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
