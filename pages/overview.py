"""The national overview: the answer first, then its parts, the cities, the areas, the years."""

import streamlit as st

from survey.publish.views.overview import AREA_CHOICES, OverviewFilters, overview
from survey.publish.views.ranking import RankingFilters, focus_choices, ranking
from survey.ui import blocks, filters, pictures
from survey.ui.navigation import BY_KEY, PageKey
from survey.ui.page import Visit, run_page
from survey.ui.results import other_waves, results_of, view_of


def body(visit: Visit) -> None:
    with filters.filter_row():
        wave = filters.pick_wave(visit, "main")
        if wave is None:
            return
        results = results_of(visit, wave)
        indicator = filters.pick_indicator(visit, results)
        basis = filters.pick_basis(visit)
    answer, cities, areas = st.container(), st.container(), st.container()
    with cities, filters.filter_row("cities"):
        known = view_of(visit, focus_choices, results, indicator=indicator)
        focus = filters.pick_focus(visit, known)
        region3 = filters.pick_area(visit, results, "region3")
        city_class = filters.pick_area(visit, results, "city_class")
    with areas, filters.filter_row("areas"):
        by = filters.pick_level(visit, results, AREA_CHOICES)
    chosen = OverviewFilters(indicator, basis, by)
    narrowed = RankingFilters(indicator, basis, focus, region3, city_class)
    view = view_of(visit, overview, results, others=other_waves(visit, wave), filters=chosen)
    with answer:
        blocks.answer(visit, view.headline, view.sentence, unit=visit.t("points"), band=view.band)
        blocks.tiles(visit.t, [(tile.name, tile.figure) for tile in view.tiles])
        blocks.standing(visit.t, view.standing)
        blocks.remark(view.counted)
        pictures.draw(visit, view.indicators, demo=wave.is_demo)
    with cities:
        order = view_of(visit, ranking, results, filters=narrowed)
        blocks.order(visit, order)
        city = pictures.draw_clickable(visit, order.picture, demo=wave.is_demo)
    with areas:
        pictures.draw(visit, view.areas, demo=wave.is_demo)
    pictures.draw(visit, view.city_map, demo=wave.is_demo)
    pictures.draw(visit, view.trend, demo=wave.is_demo)
    if city:
        st.switch_page(BY_KEY[PageKey.CITY].path, query_params={"city": city, "wave": wave.key})


run_page(PageKey.OVERVIEW, body)
