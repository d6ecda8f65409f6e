"""Heat map of the quotas: collected of target, by city and quota cell."""

from functools import partial
from html import escape

import pandas as pd
import streamlit as st

from survey.fieldwork.forecast import Forecast
from survey.fieldwork.progress import AreaProgress, WaveProgress
from survey.locale import Translator
from survey.publish.column_tables import csv_bytes
from survey.publish.views.display_names import DisplayNames
from survey.store.china_time import CHINA, china_date
from survey.ui.download_button import CSV, File, draw_download_button
from survey.ui.page_runner import PageContext
from survey.ui.progress.formatting import area_name, last_day


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
    names = DisplayNames(page.language, None)
    heads = "".join(
        f'<th scope="col">{escape(names.group(f"age_band={cell.age_band}"))}<br>'
        f"{escape(names.group(f'gender={cell.gender}'))}</th>"
        for cell in cells
    )
    first = "".join(
        f'<th scope="col">{escape(name)}</th>'
        for name in (t("City"), t("Collected"), t("Valid"), t("Effective"), t("Ready by"))
    )
    ranked = sorted(seen.cities, key=lambda city: (-city.still_missing, city.city_code or ""))
    rows = [seen.total, *ranked] if len(ranked) > 1 else ranked
    body = "".join(_render_area_row(page, seen, names, area) for area in rows)
    st.html(
        f'<div class="hcs-heat"><table><thead><tr>{first}{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
    draw_download_button(
        page, t("Table (CSV)"),
        File(f"progress-{seen.wave.key}.csv", CSV, partial(_csv, page, seen)),
        key="progress/csv", type="tertiary", icon=":material/table:",
    )  # fmt: skip


def _draw_city_rows(page: PageContext, seen: WaveProgress) -> None:
    """Draw the cities of a frozen wave without counts of groups."""
    t, names = page.t, DisplayNames(page.language, None)
    st.subheader(t("Collected of target, by city"), anchor=False)
    st.caption(
        t(
            "The results of this wave are computed. To protect personal data, quotas by age and "
            "gender are no longer shown, nor cities with few interviews on their own."
        )
    )
    heads = (t("City"), t("Collected"), t("Valid"))
    first = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    ranked = sorted(seen.cities, key=lambda city: (-city.still_missing, city.city_code or ""))
    body = "".join(
        f'<tr><th scope="row">{escape(area_name(t, names, area))}</th>'
        f"<td>{area.tally.counted:,} / {area.tally.target:,}</td>"
        f"<td>{area.tally.valid:,}</td></tr>"
        for area in [seen.total, *ranked]
    )
    st.html(
        f'<div class="hcs-heat"><table><thead><tr>{first}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _render_area_row(
    page: PageContext, seen: WaveProgress, names: DisplayNames, area: AreaProgress
) -> str:
    t = page.t
    name = area_name(t, names, area)
    tally = area.tally
    facts = "".join(
        f"<td>{escape(text)}</td>"
        for text in (
            f"{tally.counted:,} / {tally.target:,}", f"{tally.valid:,}",
            f"{area.effective.n:,.0f}", _forecast_day_text(t, area.forecast, seen),
        )
    )  # fmt: skip
    cells = "".join(_render_cell(cell.tally.counted, cell.tally.target) for cell in area.cells)
    return f'<tr><th scope="row">{escape(name)}</th>{facts}{cells}</tr>'


def _forecast_day_text(t: Translator, forecast: Forecast | None, seen: WaveProgress) -> str:
    """Format the forecast day, with a mark if the city is likely to be late."""
    if forecast is None:
        return "–"
    if forecast.days == 0:
        return t("full")
    if forecast.days is None:
        return t("never") + " !"
    day = last_day(china_date(seen.at), forecast.days)
    late = forecast.chance is not None and forecast.chance < 0.5
    return f"{day:%m-%d}" + (" !" if late else "")


def _render_cell(counted: int, target: int) -> str:
    share = counted / target if target else 0.0
    mark = "▲" if counted > target else "○" if not counted else ""
    depth = min(share, 1.0)
    return (
        f'<td class="cell" style="--depth:{depth:.2f}" title="{counted:,} / {target:,}">'
        f"{mark}{share * 100:.0f}</td>"
    )


def _csv(page: PageContext, seen: WaveProgress) -> bytes:
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
    at = f"{seen.at.astimezone(CHINA):%Y-%m-%d %H:%M}"
    remarks = [seen.wave.label(page.language), t("As of {time}", time=at)]
    if seen.wave.is_demo:
        remarks.insert(0, t("DEMO DATA: generated, no result of any survey"))
    return csv_bytes(pd.DataFrame(rows), tuple(remarks))
