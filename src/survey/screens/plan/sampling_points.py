"""Sampling points of a wave: upload and draw from a list, draws so far, the points."""

import secrets
from collections.abc import Sequence
from functools import partial

import streamlit as st

from survey.access.roles import Action
from survey.figures.figure_table import format_for_screen
from survey.figures.views.display_names import DisplayNames
from survey.frame.sampling_plan import PointDrawResult
from survey.kit.feedback import change_wave_on_click, perform_on_wave
from survey.kit.list_entry import ListFile, draw_list_paste, draw_list_upload, pick_pasting
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import draw_columns
from survey.locale import Translator
from survey.store.china_time import format_china_minute, format_day
from survey.store.tables import WaveState
from survey.waves.planning.plan_storage import plan_cities
from survey.waves.planning.point_shares import MAX_SEED
from survey.waves.planning.sampling_points import (
    KIND_NAMES,
    MAX_POINTS,
    MAX_TARGET,
    STRATUM_NAMES,
    PointList,
    delete_points,
    draw_points,
    point_list_template,
    preview_point_draw,
    read_pasted_points,
    read_point_list,
    update_point,
)
from survey.waves.planning.wave_overview import PointSummary, WaveOverview, list_points

_DEFAULT_POINTS = 30
_SHOWN = 500


def draw_points_part(page: PageContext, sheet: WaveOverview) -> None:
    """Draw the upload of points for wave `sheet` (while allowed), past draws, and its points."""
    if _may_change_points(page, sheet):
        _draw_upload(page, sheet)
    _draw_earlier_draws(page, sheet)
    _draw_point_list(page, sheet)


def _may_change_points(page: PageContext, sheet: WaveOverview) -> bool:
    return page.principal.may(Action.PLAN) and sheet.state in {WaveState.PLANNED, WaveState.OPEN}


def _draw_upload(page: PageContext, sheet: WaveOverview) -> None:
    t = page.t
    st.subheader(t("Draw sampling points from a list"), anchor=False)
    st.caption(
        t(
            "List every place where interviews could be collected. The draw picks among them by "
            "lot; the list and the seed are kept, so that anybody can repeat it. Targets follow "
            "from the saved sample."
        )
    )
    confirm = partial(_draw_draw_confirmation, page, sheet)
    if pick_pasting(page, t("List of points")):
        st.caption(
            t(
                "One point a line: city, code, name, kind ({kinds}), urban or rural and, if "
                "wanted, target, first and last day.",
                kinds=t(", ").join(t(name) for name in KIND_NAMES.values()),
            )
        )
        draw_list_paste(
            page,
            ListFile(
                "points",
                t("Cells copied from a spreadsheet, or one line a point"),
                f"points-text-{sheet.key}-{sheet.points}",
            ),
            example=t("Beijing, bj-01, Xidan Joy City, shopping mall, urban"),
            read=partial(read_pasted_points, key=sheet.key),
            confirm=confirm,
        )
        return
    draw_list_upload(
        page,
        ListFile("points", t("List of points (XLSX)"), f"points-file-{sheet.key}-{sheet.points}"),
        template=lambda work: point_list_template(plan_cities(work), page.language),
        read=partial(read_point_list, key=sheet.key),
        confirm=confirm,
    )


def _draw_draw_confirmation(page: PageContext, sheet: WaveOverview, listed: PointList) -> None:
    """Draw a preview of sampling points drawn from a list, and the button that stores them."""
    t, prefix = page.t, f"draw/{listed.sha256[:12]}"
    st.session_state.setdefault(f"{prefix}/seed", secrets.randbelow(10**9))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        per_city = st.number_input(
            t("Points a city"), 1, MAX_POINTS, _DEFAULT_POINTS, key=f"{prefix}/points"
        )
        seed = st.number_input(
            t("Seed of the draw"),
            0,
            MAX_SEED,
            key=f"{prefix}/seed",
            help=t(
                "Any whole number, for example from a public lottery. The same list and seed "
                "always give the same points."
            ),
        )
    with page.read() as work:
        tried = preview_point_draw(
            work, key=sheet.key, listed=listed, per_city=int(per_city), seed=int(seed)
        )
    cities = len({point.city_code for point in tried.points})
    st.write(
        t(
            "{listed} points are listed and right. The draw gives {drawn} points in {cities} "
            "cities with {interviews} interviews.",
            listed=f"{len(listed.points):,}",
            drawn=f"{len(tried.points):,}",
            cities=cities,
            interviews=f"{sum(point.target or 0 for point in tried.points):,}",
        )
    )
    _draw_shortages(page, tried)
    st.caption(t("SHA-256 of the list: {hash}", hash=listed.sha256))
    change = partial(
        draw_points, key=sheet.key, listed=listed, per_city=int(per_city), seed=int(seed)
    )
    st.button(
        t("Draw and store the points"),
        key="points-draw",
        on_click=change_wave_on_click,
        args=(page, sheet, change, t("The points are drawn and stored.")),
    )


def _draw_shortages(page: PageContext, tried: PointDrawResult) -> None:
    t, names = page.t, DisplayNames(page.language, None)
    if not tried.shortages:
        return
    lines = [
        t(
            "{city}, {stratum}: {listed} of {wanted} wanted points are listed",
            city=names.area(shortage.city_code),
            stratum=t(STRATUM_NAMES[shortage.stratum]),
            listed=shortage.listed,
            wanted=shortage.requested,
        )
        for shortage in tried.shortages[:10]
    ]
    more = len(tried.shortages) - len(lines)
    if more > 0:
        lines.append(t("{count} more", count=more))
    st.warning(
        t(
            "Shorter lists than wanted. Where a stratum has no point at all, its interviews go to "
            "the other one."
        )
        + "\n\n"
        + "\n".join(f"- {line}" for line in lines)
    )


def _draw_earlier_draws(page: PageContext, sheet: WaveOverview) -> None:
    t = page.t
    if not sheet.draws:
        return
    st.subheader(t("Draws on record"), anchor=False)
    st.table(
        format_for_screen(
            {
                t("When"): [format_china_minute(t, draw.drawn_at) for draw in sheet.draws],
                t("Seed"): [str(draw.seed) for draw in sheet.draws],
                t("Listed"): [draw.listed for draw in sheet.draws],
                t("Drawn"): [draw.drawn for draw in sheet.draws],
                t("SHA-256 of the list"): [draw.list_sha256 for draw in sheet.draws],
            }
        ),
        hide_index=True,
        border="horizontal",
        alt=t("Draws on record"),
    )
    if page.principal.may(Action.PLAN) and sheet.state is WaveState.PLANNED and sheet.points:
        sure = st.checkbox(
            t("I want to take all points back; the draws stay on record."), key="points-sure"
        )
        change = partial(delete_points, key=sheet.key)
        st.button(
            t("Take all points back"),
            key="points-discard",
            disabled=not sure,
            on_click=change_wave_on_click,
            args=(page, sheet, change, t("The points are taken back.")),
        )


def _draw_point_list(page: PageContext, sheet: WaveOverview) -> None:
    t, names = page.t, DisplayNames(page.language, None)
    st.subheader(t("Sampling points of this wave"), anchor=False)
    with page.read() as work:
        lines = list_points(work, key=sheet.key)
    if not lines:
        st.caption(t("There are none yet."))
        return
    st.caption(t("{count} points", count=f"{len(lines):,}"))
    shown = lines[:_SHOWN]
    draw_columns(
        t("Sampling points of this wave"),
        {
            t("City"): [names.area(line.city_code) for line in shown],
            t("Code"): [line.code for line in shown],
            t("Name"): [line.name for line in shown],
            t("Kind"): [t(KIND_NAMES[line.kind]) for line in shown],
            t("Urban or rural"): [t(STRATUM_NAMES[line.stratum]) for line in shown],
            t("Target"): [line.target for line in shown],
            t("Dates"): [_format_own_days(t, line) for line in shown],
            t("Surveyors"): [", ".join(line.surveyors) for line in shown],
        },
    )
    if len(lines) > _SHOWN:
        st.caption(t("The first {shown} by city and code.", shown=_SHOWN))
    _draw_point_form(page, sheet, lines)


def _format_own_days(t: Translator, point: PointSummary) -> str:
    """Return a point's own fieldwork days as text; empty if those of the wave apply."""
    if not point.opens_on and not point.closes_on:
        return ""
    first, last = (format_day(t, day) if day else "…" for day in (point.opens_on, point.closes_on))
    return t("{low} to {high}", low=first, high=last)


def _draw_point_form(page: PageContext, sheet: WaveOverview, lines: Sequence[PointSummary]) -> None:
    """Draw the form that changes target and days of a point in `lines`, while `sheet` allows it."""
    if not _may_change_points(page, sheet):
        return
    t, names = page.t, DisplayNames(page.language, None)
    by_code = {line.code: line for line in lines}
    st.subheader(t("Change one point"), anchor=False)
    code = st.selectbox(
        t("Sampling point"),
        list(by_code),
        index=None,
        placeholder=t("Choose or type"),
        format_func=lambda option: (
            f"{names.area(by_code[option].city_code)} · {by_code[option].name} · {option}"
        ),
        key=f"point-choice/{sheet.key}",
    )
    if code is None:
        return
    point, prefix = by_code[code], f"point/{sheet.key}/{code}"
    with st.form(prefix, border=True, enter_to_submit=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.number_input(t("Target"), 1, MAX_TARGET, point.target, key=f"{prefix}/target")
            for name, label, day in (
                ("opens_on", t("First day"), point.opens_on),
                ("closes_on", t("Last day"), point.closes_on),
            ):
                st.date_input(
                    label,
                    day,
                    key=f"{prefix}/{name}",
                    format="YYYY-MM-DD",
                    min_value=sheet.opens_on,
                    max_value=sheet.closes_on,
                )
        st.caption(t("Without days of its own, the point is worked at on the days of the wave."))
        st.form_submit_button(
            t("Save the point"),
            key="point-save",
            on_click=partial(_save_point, page, sheet, code, prefix),
        )


def _save_point(page: PageContext, sheet: WaveOverview, code: str, prefix: str) -> None:
    typed = st.session_state
    change = partial(
        update_point,
        key=sheet.key,
        code=code,
        target=int(typed[f"{prefix}/target"]),
        opens_on=typed[f"{prefix}/opens_on"],
        closes_on=typed[f"{prefix}/closes_on"],
    )
    perform_on_wave(page, sheet, change, done=page.t("The point {code} is saved.", code=code))
