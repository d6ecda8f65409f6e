"""Trends: how many cities rose or fell, tables of changes, peers and years."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from survey.access.roles import NATION
from survey.figures.views.bridge import build_bridge_view
from survey.figures.views.changes import TrendFilters
from survey.figures.views.fairness import build_shifts
from survey.figures.views.interval_table import IntervalTable
from survey.figures.views.mode_experiment import build_mode_experiment_view
from survey.figures.views.trends import (
    PEER_REFERENCES,
    TREND_AREA_LEVELS,
    build_city_changes,
    build_indicator_changes,
    build_peer_gaps,
    build_trends_answer,
    build_years,
    list_followed_groups,
)
from survey.figures.views.view_context import list_area_choices
from survey.kit import chart_panel, filters, text_blocks
from survey.kit.interval_table import draw_interval_table
from survey.kit.page_runner import PageContext
from survey.kit.results_cache import get_results, get_view, is_earlier_damaged, list_other_waves
from survey.kit.url_state import draw_tabs
from survey.results import WaveInfo, WaveResults

_ANSWER, _FUNNEL = 5, 7
"""Shares of the width of the two columns."""


def draw_trends(page: PageContext) -> None:
    """Draw the trends of the chosen wave: the change since an earlier one, then tabs."""
    t = page.t
    with filters.filter_row():
        wave = filters.pick_wave(page, "main")
        if wave is None:
            return
        results = get_results(page, wave)
        if not filters.has_scores(page, results):
            return
        before = filters.pick_before(page, wave)
        indicator = filters.pick_indicator(page, results)
        group = filters.pick_group(page, results, list_followed_groups(results))
    chosen = TrendFilters(before, indicator, group)
    others = list_other_waves(page, wave)
    unread = is_earlier_damaged(page, wave)
    change, obstacle = get_view(
        page, build_trends_answer, results, others=others, filters=chosen, is_earlier_unread=unread
    )
    if change is None:
        text_blocks.draw_change(page, change, obstacle)
    else:
        answer, funnel = st.columns([_ANSWER, _FUNNEL], gap="large")
        with answer:
            text_blocks.draw_change(page, change, obstacle)
        with funnel:
            chart_panel.draw_compact_panel(page, change.funnel, wave, opens_city=True)
    tabs = {
        "cities": (t("Cities"), partial(_draw_cities, page, results, others, chosen)),
        "indicators": (t("Indicators"), partial(_draw_indicators, page, results, others, chosen)),
        "peers": (t("Cities and their peers"), partial(_draw_peers, page, results, others, chosen)),
        "fairness": (t("Fair comparison"), partial(_draw_shifts, page, results, indicator)),
        "bridge": (t("Bridge"), partial(_draw_bridge, page, results, others, indicator)),
        "years": (t("Years"), partial(_draw_years, page, results, others, chosen)),
    }
    compared = list(tabs) if change is not None else list(tabs)[2:]
    draw_tabs(page, {code: tabs[code] for code in compared})


def _draw_cities(
    page: PageContext, results: WaveResults, others: Sequence[WaveResults], chosen: TrendFilters
) -> None:
    narrowed = _narrow_cities(page, results, chosen)
    table = get_view(page, build_city_changes, results, others=others, filters=narrowed)
    city = _draw_table(page, table, results.wave, links_cities=True)
    if city:
        _draw_years_of(page, results, others, replace(chosen, place=city))


def _narrow_cities(page: PageContext, results: WaveResults, chosen: TrendFilters) -> TrendFilters:
    with filters.filter_row("cities"):
        return replace(
            chosen,
            region3=filters.pick_area(page, results, "region3"),
            size_tier=filters.pick_area(page, results, "size_tier"),
            clear_only=filters.pick_clear_only(page),
        )


def _draw_table(
    page: PageContext, table: IntervalTable | str, wave: WaveInfo, *, links_cities: bool = False
) -> str | None:
    """Draw a table, return the chosen row's code; or draw `table`, a sentence, and return None."""
    if isinstance(table, str):
        text_blocks.draw_sentence(table)
        return None
    return draw_interval_table(page, table, wave, links_cities=links_cities)


def _draw_years_of(
    page: PageContext, results: WaveResults, others: Sequence[WaveResults], chosen: TrendFilters
) -> None:
    chart_panel.draw_view_panel(page, build_years, results, others=others, filters=chosen)


def _draw_indicators(
    page: PageContext, results: WaveResults, others: Sequence[WaveResults], chosen: TrendFilters
) -> None:
    table = get_view(page, build_indicator_changes, results, others=others, filters=chosen)
    indicator = _draw_table(page, table, results.wave)
    if indicator:
        picked = replace(chosen, indicator=indicator, place=NATION)
        _draw_years_of(page, results, others, picked)


def _draw_peers(
    page: PageContext, results: WaveResults, others: Sequence[WaveResults], chosen: TrendFilters
) -> None:
    narrowed = _narrow_cities(page, results, chosen)
    with filters.filter_row("peers"):
        against = filters.pick_reference(page, PEER_REFERENCES)
    table = get_view(page, build_peer_gaps, results, filters=replace(narrowed, against=against))
    city = _draw_table(page, table, results.wave, links_cities=True)
    if city:
        _draw_years_of(page, results, others, replace(chosen, place=city))


def _draw_shifts(page: PageContext, results: WaveResults, indicator: str) -> None:
    table = get_view(page, build_shifts, results, indicator=indicator)
    _draw_table(page, table, results.wave, links_cities=True)
    st.subheader(page.t("Mode experiment"), anchor=False)
    view = get_view(page, build_mode_experiment_view, results)
    for sentence in view.sentences:
        text_blocks.draw_sentence(sentence)
    if view.table is not None:
        draw_interval_table(page, view.table, results.wave)


def _draw_bridge(
    page: PageContext, results: WaveResults, others: Sequence[WaveResults], indicator: str
) -> None:
    """Draw the step between two questionnaires: sentences, both levels, and the cities."""
    view = get_view(page, build_bridge_view, results, others=others, indicator=indicator)
    for sentence in view.sentences:
        text_blocks.draw_sentence(sentence)
    if view.panel is not None:
        chart_panel.draw_chart_panel(page, view.panel, results.wave)
    if view.cities is not None:
        draw_interval_table(page, view.cities, results.wave, links_cities=True)


def _draw_years(
    page: PageContext, results: WaveResults, others: Sequence[WaveResults], chosen: TrendFilters
) -> None:
    with filters.filter_row("years"):
        known = get_view(page, list_area_choices, results, levels=TREND_AREA_LEVELS)
        place = filters.pick_area_scope(page, known)
    if place is not None:
        _draw_years_of(page, results, others, replace(chosen, place=place))
