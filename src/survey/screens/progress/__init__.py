"""Progress page of one wave, which refreshes itself."""

from dataclasses import dataclass, replace
from functools import partial

import streamlit as st

from survey.access.work import Work
from survey.frame.city_frame import shipped_cities
from survey.kit.filters import filter_row, pick_city_or_all, pick_started_wave
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext, page_fragment, read_cached_late
from survey.kit.text_blocks import draw_freshness
from survey.review.progress.tallies import AreaProgress
from survey.review.progress.wave_progress import (
    DailyCellCounts,
    WaveProgress,
    count_cells_by_day,
    get_progress,
    list_progress_waves,
)
from survey.screens.progress.quotas import (
    draw_cells_and_days,
    draw_heatmap,
    draw_marginal_quotas,
    list_past_void_shares,
)
from survey.screens.progress.summary import (
    draw_alerts,
    draw_days,
    draw_progress_summary,
    draw_progress_tiles,
    draw_rates,
)
from survey.store.china_time import CHINA
from survey.store.read_replica import LateReading
from survey.waves.waves import WaveSummary

REFRESH_SECONDS = 20.0
"""How often the page looks again by itself; readers with the same rights share one reading."""


@dataclass(frozen=True)
class ProgressSelection:
    """Wave to follow, and the city shown in detail."""

    wave: WaveSummary
    city_code: str | None = None
    """None: all cities of the reader's area together."""


def draw_filters(page: PageContext) -> ProgressSelection | None:
    """Draw the filters and return the selection; None, with a notice, if no wave has begun."""
    t = page.t
    # The state of a wave decides how much of its counts may be shown: never read late.
    with page.read() as work:
        waves = list_progress_waves(work)
    if not waves:
        draw_notice(
            t("No fieldwork has begun yet"),
            t("Progress appears here as soon as an administrator opens a wave."),
        )
        return None
    with filter_row():
        wave = pick_started_wave(page, waves)
        return None if wave is None else ProgressSelection(wave, _pick_city(page))


def _pick_city(page: PageContext) -> str | None:
    own = [city.code for city in shipped_cities() if page.principal.covers(city.code)]
    if len(own) < 2:
        return None
    return pick_city_or_all(page, own, page.t("Cell by cell for"))


@page_fragment(run_every=REFRESH_SECONDS)
def draw_progress(page: PageContext, followed: ProgressSelection) -> None:
    """Draw the progress of the `followed` wave (alerts, quotas, days, rates), again every 20 s."""
    reading = _read_progress(page, followed.wave)
    seen = reading.value
    if not seen.cities and not seen.is_settled:
        draw_notice(
            page.t("Nothing is planned or collected here yet"),
            page.t("Quotas and interviews of this wave in your area appear here by themselves."),
        )
        return
    draw_progress_summary(page, seen)
    draw_progress_tiles(page, seen)
    draw_alerts(page, seen)
    draw_heatmap(page, seen)
    area = seen.find_area(followed.city_code)
    draw_cells_and_days(page, area, _get_cells_by_day(page, seen, area))
    draw_marginal_quotas(page, area)
    draw_days(page.t, area)
    draw_rates(page, seen)
    _draw_moment(page, reading)


def _draw_moment(page: PageContext, reading: LateReading[WaveProgress]) -> None:
    if reading.freshness is not None:
        draw_freshness(page.t, reading.freshness)
        return
    at = f"{reading.value.at.astimezone(CHINA):%H:%M:%S}"
    st.caption(page.t("As of {time} China time; looks again by itself.", time=at))


def get_wave_progress(page: PageContext, wave: WaveSummary) -> WaveProgress:
    """Return the fieldwork progress of a wave, from a cache that readers of one area share."""
    return _read_progress(page, wave).value


def _read_progress(page: PageContext, wave: WaveSummary) -> LateReading[WaveProgress]:
    worst = max(waste for _, waste in list_past_void_shares())
    read = partial(get_progress, wave=wave, usual_waste=worst)
    return read_cached_late(page, read, "progress", repr(wave))


def _get_cells_by_day(
    page: PageContext, seen: WaveProgress, area: AreaProgress
) -> tuple[DailyCellCounts, ...]:
    def count(work: Work) -> tuple[DailyCellCounts, ...]:
        work, city = replace(work, now=seen.at), area.city_code
        return count_cells_by_day(work, wave=seen.wave, cells=area.cells, city_code=city)

    asked = (area.city_code, seen.wave.key, seen.at)
    return read_cached_late(page, count, "cells by day", *asked).value
