"""Quotas of each city at a glance: done, target and what is missing, as a table with bars."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from survey.fieldwork.progress.tallies import AreaProgress
from survey.fieldwork.progress.wave_progress import WaveProgress
from survey.publish.views.display_names import DisplayNames
from survey.ui.html_table import frame_rows
from survey.ui.navigation import PageKey
from survey.ui.page_runner import PageContext

_MAX_LISTED_CITIES = 8


def draw_city_bars(page: PageContext, seen: WaveProgress) -> None:
    """Draw the cities of the area that are furthest behind, each a link to its progress."""
    t = page.t
    planned = [city for city in seen.cities if city.tally.target]
    if not planned or seen.is_settled:
        return
    st.subheader(t("Quotas by city"), anchor=False)
    listed = _sort_by_share(planned)[:_MAX_LISTED_CITIES]
    heads = (t("City"), t("Done"), t("Target"), t("Still missing"), t("Share of the target"))
    names = DisplayNames(page.language, None)
    body = "".join(_render_city(page, seen, names, city) for city in listed)
    st.html(frame_rows(heads, body, style="hcs-quotas"))
    more = len(planned) - len(listed)
    if more > 0:
        st.caption(t("{count} more cities are further ahead.", count=more))


def _sort_by_share(cities: Sequence[AreaProgress]) -> list[AreaProgress]:
    """Return the cities, those with the smallest share of their target first."""
    return sorted(cities, key=lambda city: (city.tally.filled or 0.0, city.city_code or ""))


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
