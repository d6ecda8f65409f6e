"""Trends page: changes since an earlier wave, and cities beside their peers."""

import streamlit as st

from survey.publish.views.changes import TrendFilters
from survey.publish.views.trends import (
    PEER_REFERENCES,
    TREND_AREA_LEVELS,
    build_trends_view,
    list_followed_groups,
)
from survey.publish.views.view_context import list_area_choices
from survey.ui import chart_panel, filters, text_blocks
from survey.ui.navigation import PageKey
from survey.ui.page_runner import PageContext, run_page
from survey.ui.results_cache import get_results, get_view, list_other_waves


def draw_page(page: PageContext) -> None:
    with filters.filter_row():
        wave = filters.pick_wave(page, "main")
        if wave is None:
            return
        results = get_results(page, wave)
        before = filters.pick_before(page, wave)
        indicator = filters.pick_indicator(page, results)
        group = filters.pick_group(page, results, list_followed_groups(results))
    answer, years, cities, parts, peers = (st.container() for _ in range(5))
    with cities, filters.filter_row("cities"):
        region3 = filters.pick_area(page, results, "region3")
        size_tier = filters.pick_area(page, results, "size_tier")
        clear_only = filters.pick_clear_only(page)
    with peers, filters.filter_row("peers"):
        against = filters.pick_reference(page, PEER_REFERENCES)
    with years, filters.filter_row("years"):
        known = get_view(page, list_area_choices, results, levels=TREND_AREA_LEVELS)
        place = filters.pick_area_scope(page, known)
    chosen = TrendFilters(before, indicator, group, place, region3, size_tier, clear_only, against)
    others = list_other_waves(page, wave)
    view = get_view(page, build_trends_view, results, others=others, filters=chosen)
    with answer:
        text_blocks.draw_change(page, view.change, view.obstacle)
    changed = (view.change.cities, view.change.indicators) if view.change else ()
    shown = [(years, view.years), *zip((cities, parts), changed, strict=False), (peers, view.peers)]
    for where, picture in shown:
        with where:
            if isinstance(picture, str):
                text_blocks.draw_sentence(picture)
            else:
                chart_panel.draw_chart_panel(page, picture, demo=wave.is_demo)


run_page(PageKey.TRENDS, draw_page)
