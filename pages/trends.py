"""Trends and comparisons: what changed since an earlier wave, and cities beside their peers."""

import streamlit as st

from survey.publish.views.peers import YARDSTICKS
from survey.publish.views.places import place_choices
from survey.publish.views.trend_filters import TrendFilters
from survey.publish.views.trends import PLACES, followed, trends
from survey.ui import blocks, filters, pictures
from survey.ui.navigation import PageKey
from survey.ui.page import Visit, run_page
from survey.ui.results import other_waves, results_of, view_of


def body(visit: Visit) -> None:
    with filters.filter_row():
        wave = filters.pick_wave(visit, "main")
        if wave is None:
            return
        results = results_of(visit, wave)
        before = filters.pick_before(visit, wave)
        indicator = filters.pick_indicator(visit, results)
        group = filters.pick_group(visit, results, followed(results))
    answer, years, cities, parts, peers = (st.container() for _ in range(5))
    with cities, filters.filter_row("cities"):
        region3 = filters.pick_area(visit, results, "region3")
        size_tier = filters.pick_area(visit, results, "size_tier")
        clear_only = filters.pick_clear_only(visit)
    with peers, filters.filter_row("peers"):
        against = filters.pick_yardstick(visit, YARDSTICKS)
    with years, filters.filter_row("years"):
        known = view_of(visit, place_choices, results, levels=PLACES)
        place = filters.pick_place(visit, known)
    chosen = TrendFilters(before, indicator, group, place, region3, size_tier, clear_only, against)
    others = other_waves(visit, wave)
    view = view_of(visit, trends, results, others=others, filters=chosen)
    with answer:
        blocks.change(visit, view.change, view.obstacle)
    changed = (view.change.cities, view.change.indicators) if view.change else ()
    shown = [(years, view.years), *zip((cities, parts), changed, strict=False), (peers, view.peers)]
    for where, picture in shown:
        with where:
            if isinstance(picture, str):
                blocks.say(picture)
            else:
                pictures.draw(visit, picture, demo=wave.is_demo)


run_page(PageKey.TRENDS, body)
