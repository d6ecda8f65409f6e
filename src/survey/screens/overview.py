"""National overview: score, indicators and cities first, then tabs for the rest."""

from functools import partial
from html import escape

import streamlit as st

from survey.figures.views.estimate_text import format_interval
from survey.figures.views.overview import (
    AREA_CHOICES,
    OverviewFilters,
    OverviewView,
    build_city_table,
    build_overview,
    build_overview_areas,
    build_overview_indicators,
)
from survey.figures.views.ranking import ListedCity, RankingFilters, build_ranking, focus_choices
from survey.kit import chart_panel, filters, text_blocks
from survey.kit.interval_table import draw_interval_table
from survey.kit.navigation import PageKey
from survey.kit.page_runner import PageContext
from survey.kit.results_cache import get_results, get_view, is_earlier_damaged, list_other_waves
from survey.kit.url_state import draw_tabs
from survey.locale.figures import format_count, format_score
from survey.results import WaveInfo, WaveResults
from survey.screens.special_groups import draw_questions

_ANSWER, _CITIES = 7, 5
"""Shares of the width of the two columns."""


def draw_overview(page: PageContext) -> None:
    """Draw a wave's national overview: score, trend, map, and tabs on cities and indicators."""
    with filters.filter_row():
        wave = filters.pick_wave(page, "main")
        if wave is None:
            return
        results = get_results(page, wave)
        if results.tree is not None:
            indicator = filters.pick_indicator(page, results)
            basis = filters.pick_basis(page)
    if results.tree is None:
        draw_questions(page, results)
        return
    chosen = OverviewFilters(indicator, basis)
    others = list_other_waves(page, wave)
    unread = is_earlier_damaged(page, wave)
    view = get_view(
        page, build_overview, results, others=others, filters=chosen, is_earlier_unread=unread
    )
    answer, cities = st.columns([_ANSWER, _CITIES], gap="large")
    with answer, st.container(gap="xsmall"):
        draw_answer(page, view)
        chart_panel.draw_compact_panel(page, view.trend, wave)
    with cities, st.container(gap="xsmall"):
        chart_panel.draw_compact_panel(page, view.city_map, wave, opens_city=True)
        draw_city_lists(page, view, wave)
    t = page.t
    drawers = {
        "ranking": (t("Order of the cities"), partial(_draw_ranking, page, results, chosen)),
        "indicators": (t("Indicators"), partial(_draw_indicators, page, results, chosen.basis)),
        "areas": (t("Areas"), partial(_draw_areas, page, results, chosen)),
        "table": (t("Table of the cities"), partial(_draw_table, page, results, chosen)),
    }
    draw_tabs(page, drawers)


def _draw_indicators(page: PageContext, results: WaveResults, basis: str) -> None:
    chart_panel.draw_view_panel(page, build_overview_indicators, results, basis=basis)
    chart_panel.draw_spread(page, results)


def draw_answer(page: PageContext, view: OverviewView) -> None:
    """Draw the national score with sentences and method, and tiles of first-level indicators."""
    text_blocks.draw_headline(
        page, view.headline, *view.sentences, unit=page.t("points"), band=view.band
    )
    notes = view.counted, view.selection
    text_blocks.draw_method_note(page, view.headline, *notes, figure_id=view.figure_id)
    text_blocks.draw_tiles(page.t, view.tiles)


def draw_city_lists(page: PageContext, view: OverviewView, wave: WaveInfo) -> None:
    """Draw the first and the last cities of the ranking, each a link to its page."""
    t = page.t
    sections = [
        (t("First ten · score, possible places"), view.first),
        (t("Last ten · score, possible places"), view.last),
    ]
    html = ""
    for title, cities in sections:
        if cities:
            items = "".join(_render_city(page, city, wave) for city in cities)
            html += f"<section><h3>{escape(title)}</h3><ol>{items}</ol></section>"
    if html:
        st.html(f'<div class="hcs-cities">{html}</div>')
    if view.unlisted:
        st.caption(view.unlisted)


def _render_city(page: PageContext, city: ListedCity, wave: WaveInfo) -> str:
    t, figure = page.t, city.figure
    link = page.address(PageKey.CITY, city=city.code, wave=wave.key)
    known = t(
        "95%\u00a0interval {interval}, n = {n}",
        interval=format_interval(figure.low, figure.high, t),
        n=format_count(figure.n),
    )
    score = format_score(figure.estimate)
    return (
        f"<li><span>{escape(city.rank)}</span>"
        f'<a href="{escape(link, quote=True)}" target="_self">{escape(city.name)}</a>'
        f'<abbr title="{escape(known, quote=True)}">{score}</abbr>'
        f"<span>{escape(city.possible_ranks)}</span></li>"
    )


def _draw_ranking(page: PageContext, results: WaveResults, chosen: OverviewFilters) -> None:
    with filters.filter_row("cities"):
        known = get_view(page, focus_choices, results, indicator=chosen.indicator)
        focus = filters.pick_focus(page, known)
        region3 = filters.pick_area(page, results, "region3")
        city_class = filters.pick_area(page, results, "city_class")
    narrowed = RankingFilters(chosen.indicator, chosen.basis, focus, region3, city_class)
    view = get_view(page, build_ranking, results, filters=narrowed)
    text_blocks.draw_ranking_text(page, view)
    chart_panel.draw_city_chart(page, view.chart_panel, results.wave)


def _draw_areas(page: PageContext, results: WaveResults, chosen: OverviewFilters) -> None:
    with filters.filter_row("areas"):
        by = filters.pick_level(page, results, AREA_CHOICES)
    chart_panel.draw_view_panel(page, build_overview_areas, results, filters=chosen, by=by)


def _draw_table(page: PageContext, results: WaveResults, chosen: OverviewFilters) -> None:
    table = get_view(page, build_city_table, results, indicator=chosen.indicator)
    draw_interval_table(page, table, results.wave, links_cities=True, has_details=False)
