"""Tables of quotas: a heat map of all cities; cells, days and groups of one area."""

from datetime import date, timedelta
from functools import partial
from html import escape

import pandas as pd
import streamlit as st

from survey.figures.figure_table import csv_bytes
from survey.figures.published_figures import published_waves
from survey.figures.views.display_names import DisplayNames
from survey.kit.download_button import draw_csv_button
from survey.kit.navigation import PageKey
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import draw_first_rows, frame_rows
from survey.locale import Translator
from survey.locale.figures import format_quantity, format_score, format_share
from survey.review.forecast import Forecast
from survey.review.progress.tallies import (
    AreaProgress,
    CellProgress,
    MarginalQuotaTally,
    ShareEstimate,
    is_marginal,
)
from survey.review.progress.wave_progress import DailyCellCounts, WaveProgress
from survey.store.china_time import china_date, format_china_minute
from survey.store.tables import Status, WaveState
from survey.waves.planning.sampling_points import STRATUM_NAMES

_MAX_LISTED_CITIES = 8


def draw_city_bars(page: PageContext, seen: WaveProgress) -> None:
    """Draw the cities furthest behind target in progress `seen`, each a link to its page."""
    t = page.t
    planned = [city for city in seen.cities if city.tally.target]
    if not planned or seen.is_settled:
        return
    st.subheader(t("Quotas by city"), anchor=False)
    planned.sort(key=lambda city: (city.tally.filled or 0.0, city.city_code or ""))
    listed = planned[:_MAX_LISTED_CITIES]
    heads = (t("City"), t("Done"), t("Target"), t("Still missing"), t("Share of the target"))
    names = DisplayNames(page.language, None)
    body = "".join(_render_city(page, seen, names, city) for city in listed)
    st.html(frame_rows(heads, body, style="hcs-quotas"))
    more = len(planned) - len(listed)
    if more > 0:
        st.caption(t("{count} more cities are further ahead.", count=more))


def _render_city(
    page: PageContext, seen: WaveProgress, names: DisplayNames, city: AreaProgress
) -> str:
    code = city.city_code or ""
    link = page.address(PageKey.PROGRESS, wave=seen.wave.key, city=code)
    # Rounded down: nothing is full that still misses somebody.
    percent = min(int((city.tally.filled or 0.0) * 100), 100)
    return (
        f'<tr><th scope="row"><a href="{escape(link, quote=True)}" target="_self">'
        f"{escape(names.area(code))}</a></th>"
        f"<td>{city.tally.counted:,}</td><td>{city.tally.target:,}</td>"
        f"<td>{city.still_missing:,}</td>"
        f'<td class="bar"><span>{percent}%</span><div style="width:{percent}%"></div></td></tr>'
    )


def list_past_void_shares() -> list[tuple[int, float]]:
    """Return (year, share of void interviews) of past waves with published counts."""
    return [
        (wave.year, 1 - wave.valid / wave.collected)
        for wave in published_waves()
        if wave.valid and wave.collected
    ]


def describe_reserve(t: Translator, area: AreaProgress) -> str:
    """Return why an area's quotas add up to more than its target; "" if they do not."""
    if not area.reserve:
        return ""
    return t(
        "The target is {target} interviews. Quotas hold {reserve} more, a reserve for what review "
        "takes away.",
        target=f"{area.tally.target:,}",
        reserve=f"{area.reserve:,}",
    )


def last_day(today: date, days: int) -> date:
    """Return the last day of a period of `days` days that begins today."""
    return today + timedelta(days=max(days - 1, 0))


def area_name(t: Translator, names: DisplayNames, area: AreaProgress) -> str:
    return t("All cities") if area.city_code is None else names.area(area.city_code)


def format_share_interval(t: Translator, share: ShareEstimate) -> str:
    between = format_percent_interval(t, share.low, share.high)
    return t("95%\u00a0interval {interval}", interval=between)


def format_percent_interval(t: Translator, low: float, high: float) -> str:
    """Return an interval of a share as text, its ends given from 0 to 1."""
    return t("{low} to {high}", low=format_share(low), high=format_share(high))


def draw_heatmap(page: PageContext, seen: WaveProgress) -> None:
    t = page.t
    cells = seen.total.cells
    if seen.is_settled:
        _draw_city_rows(page, seen)
        return
    if not cells:
        st.caption(t("This wave has no quota cells."))
        return
    st.subheader(t("Quota: collected of target, by city and cell"), anchor=False)
    st.caption(
        t(
            "Per cent of each cell's target; ▲ over the target, ○ nothing yet, ! rather late than "
            "in time. The stronger the colour, the fuller. Cities with the most missing "
            "interviews come first."
        )
    )
    st.caption(describe_reserve(t, seen.total))
    names = DisplayNames(page.language, None)
    heads = (
        t("City"), t("Collected"), t("Valid"), t("Effective"), t("Ready by"),
        *("\n".join(_name_cell_groups(names, cell)) for cell in cells),
    )  # fmt: skip
    ranked = _sort_by_missing(seen)
    rows = [seen.total, *ranked] if len(ranked) > 1 else ranked
    body = "".join(_render_area_row(page, seen, names, area) for area in rows)
    st.html(frame_rows(heads, body))
    make = partial(_build_csv, page, seen)
    draw_csv_button(page, t("Table (CSV)"), "progress", make, key="progress/csv", subject=seen.wave)


def _draw_city_rows(page: PageContext, seen: WaveProgress) -> None:
    """Draw interviews collected, planned, valid by city from `seen`, once results are computed."""
    t, names = page.t, DisplayNames(page.language, None)
    st.subheader(t("Collected of target, by city"), anchor=False)
    st.caption(
        t(
            "The results of this wave are computed. To protect personal data, quotas by age and "
            "gender are no longer shown, nor cities with few interviews on their own."
        )
    )
    rows = [
        (
            area_name(t, names, area),
            f"{area.tally.counted:,} / {area.tally.target:,}",
            f"{area.tally.valid:,}",
        )
        for area in (seen.total, *_sort_by_missing(seen))
    ]
    heads = (t("City"), t("Collected"), t("Valid"))
    draw_first_rows(t, heads, rows, key="progress/cities")


def _name_cell_groups(names: DisplayNames, cell: CellProgress) -> tuple[str, str]:
    return names.group(f"age_band={cell.age_band}"), names.group(f"gender={cell.gender}")


def _sort_by_missing(seen: WaveProgress) -> list[AreaProgress]:
    return sorted(seen.cities, key=lambda city: (-city.still_missing, city.city_code or ""))


def _render_area_row(
    page: PageContext, seen: WaveProgress, names: DisplayNames, area: AreaProgress
) -> str:
    t = page.t
    name = area_name(t, names, area)
    tally = area.tally
    facts = "".join(
        f"<td>{escape(text)}</td>"
        for text in (
            f"{tally.counted:,} / {tally.target:,}",
            f"{tally.valid:,}",
            format_quantity(area.effective.n),
            _format_forecast_day(t, area.forecast, seen),
        )
    )
    cells = "".join(_render_cell(cell.tally.counted, cell.tally.target) for cell in area.cells)
    return f'<tr><th scope="row">{escape(name)}</th>{facts}{cells}</tr>'


def _format_forecast_day(t: Translator, forecast: Forecast | None, seen: WaveProgress) -> str:
    """Return the day when quotas likely fill, counted from that of `seen`, with `!` if too late."""
    if forecast is None or seen.wave.state is not WaveState.OPEN:
        return "–"
    if forecast.days == 0:
        return t("full")
    if forecast.days is None:
        return t("never") + " !"
    day = last_day(china_date(seen.at), forecast.days)
    late = forecast.chance is not None and forecast.chance < 0.5
    return t("{day.month:02}-{day.day:02}", day=day) + (" !" if late else "")


def _render_cell(counted: int, target: int) -> str:
    share = counted / target if target else 0.0
    mark = "▲" if counted > target else "○" if not counted else ""
    depth = min(share, 1.0)
    return (
        f'<td class="cell" style="--depth:{depth:.2f}" title="{counted:,} / {target:,}">'
        f"{mark}{format_score(share * 100, 0)}</td>"
    )


def _build_csv(page: PageContext, seen: WaveProgress) -> bytes:
    t, names = page.t, DisplayNames(page.language, None)
    rows = [
        {
            t("City"): names.area(area.city_code or ""),
            t("Age"): names.group(f"age_band={cell.age_band}"),
            t("Gender"): names.group(f"gender={cell.gender}"),
            t("Target"): cell.tally.target,
            t("Collected"): cell.tally.collected,
            t("Counts towards the quota"): cell.tally.counted,
            t("Valid"): cell.tally.valid,
            t("In review"): cell.tally.in_review,
            t("Void"): cell.tally.void,
        }
        for area in seen.cities
        for cell in area.cells
    ]
    at = format_china_minute(t, seen.at)
    remarks = [seen.wave.label(page.language), t("As of {time}", time=at)]
    if seen.wave.is_demo:
        remarks.insert(0, t("DEMO DATA: generated, no result of any survey"))
    return csv_bytes(pd.DataFrame(rows), tuple(remarks))


def draw_cells_and_days(
    page: PageContext, area: AreaProgress, cells: tuple[DailyCellCounts, ...]
) -> None:
    """Draw a table of an area's quota cells (age and gender): target, counts by state, by day."""
    if not cells:
        return
    t, names = page.t, DisplayNames(page.language, None)
    st.subheader(t("{place}: each cell, day by day", place=area_name(t, names, area)), anchor=False)
    st.caption(
        t(
            "The days show interviews that count towards the quota; the last day is today and not "
            "over yet. Stopped at the door: {screened} screened out, {full} because the quota was "
            "full; {refused} declined.",
            screened=f"{area.tally.of(Status.SCREENED_OUT):,}",
            full=f"{area.tally.of(Status.QUOTA_FULL):,}",
            refused=f"{area.tally.of(Status.REFUSED):,}",
        )
    )
    st.caption(describe_reserve(t, area))
    days = tuple(cells[0].days)
    heads = [
        t("Age and gender"), t("Target"), t("Collected"), t("Still missing"), t("Valid"),
        t("In review"), t("Void"), *(f"{day:%m-%d}" for day in days),
    ]  # fmt: skip
    most = max(max(cell_days.days.values()) for cell_days in cells)
    body = "".join(_render_day_row(names, cell_days, most) for cell_days in cells)
    body += _render_sum_row(t, area, cells)
    st.html(frame_rows(heads, body))


def _render_day_row(names: DisplayNames, cell_days: DailyCellCounts, most: int) -> str:
    cell, tally = cell_days.cell, cell_days.cell.tally
    facts = (
        tally.target, tally.counted, tally.missing, tally.valid, tally.in_review, tally.void,
    )  # fmt: skip
    counts = "".join(f"<td>{number:,}</td>" for number in facts)
    gained = "".join(
        f'<td class="cell" style="--depth:{number / most if most else 0:.2f}">{number:,}</td>'
        for number in cell_days.days.values()
    )
    name = escape(" ".join(_name_cell_groups(names, cell)))
    return f'<tr><th scope="row">{name}</th>{counts}{gained}</tr>'


def _render_sum_row(t: Translator, area: AreaProgress, cells: tuple[DailyCellCounts, ...]) -> str:
    """Return the HTML row of a quota table's sums; surplus in one cell offsets no other's lack."""
    facts = (
        area.tally.target, area.tally.counted, area.still_missing, area.tally.valid,
        area.tally.in_review, area.tally.void,
    )  # fmt: skip
    days = (sum(cell_days.days[day] for cell_days in cells) for day in cells[0].days)
    numbers = "".join(f"<td><b>{number:,}</b></td>" for number in (*facts, *days))
    label = escape(t("Together"))
    return f'<tr><th scope="row"><b>{label}</b></th>{numbers}</tr>'


def draw_marginal_quotas(page: PageContext, area: AreaProgress) -> None:
    """Draw target, collected, missing and turned-away interviews of each marginal quota."""
    if not area.margins:
        return
    t, names = page.t, DisplayNames(page.language, None)
    st.subheader(t("{place}: quotas by group", place=area_name(t, names, area)), anchor=False)
    text = t(
        "Each interview counts in every group that it belongs to. A group that stops takes nobody "
        "more at the door once it is full; urban and rural are only counted."
    )
    if is_marginal(area.margins):
        text += " " + t("Ages and genders have quotas of their own here: a cell is no limit.")
    st.caption(text)
    heads = (
        t("Group"), t("Target"), t("Collected"), t("Still missing"), t("When full"),
        t("Turned away"),
    )  # fmt: skip
    body = "".join(_render_margin_row(page, names, margin) for margin in area.margins)
    st.html(frame_rows(heads, body))


def _render_margin_row(page: PageContext, names: DisplayNames, margin: MarginalQuotaTally) -> str:
    t = page.t
    name = (
        t(STRATUM_NAMES[margin.category])
        if margin.dimension == "stratum"
        else names.group(margin.group)
    )
    rule = t("stops") if margin.stops else t("counts on")
    depth = min(margin.collected / margin.target, 1.0) if margin.target else 0.0
    mark = "▲" if margin.beyond else ""
    return (
        f'<tr><th scope="row">{escape(name)}</th><td>{margin.target:,}</td>'
        f'<td class="cell" style="--depth:{depth:.2f}">{mark}{margin.collected:,}</td>'
        f"<td>{margin.missing:,}</td><td>{escape(rule)}</td><td>{margin.turned_away:,}</td></tr>"
    )
