"""The national overview: the answer first, then its parts, the cities, the areas, the years."""

import streamlit as st

from survey.publish.views.overview import AREA_CHOICES, OverviewFilters, overview
from survey.ui import blocks, filters, pictures
from survey.ui.navigation import BY_KEY, PageKey
from survey.ui.page import Visit, run_page
from survey.ui.results import other_waves, results_of, view_of
from survey.ui.url import pick


def body(visit: Visit) -> None:
    t = visit.t
    with filters.filter_row():
        wave = filters.pick_wave(visit, "main")
        if wave is None:
            return
        results = results_of(visit, wave)
        indicator = filters.pick_indicator(visit, results)
        region3 = filters.pick_area(visit, results, "region3")
        city_class = filters.pick_area(visit, results, "city_class")
        by = pick(
            t("Areas by"), "by", AREA_CHOICES, show=filters.names_of(visit, results).level,
            language=visit.language,
        )  # fmt: skip
    chosen = OverviewFilters(indicator, by, region3, city_class)
    others = other_waves(visit, wave)
    view = view_of(visit, overview, results, others=others, filters=chosen)
    blocks.answer(visit, view.headline, view.sentence, unit=t("points"), minimum=10)
    blocks.tiles(t, [(tile.name, tile.figure) for tile in view.tiles])
    blocks.standing(t, view.standing)
    pictures.draw(visit, view.indicators, demo=wave.is_demo)
    city = pictures.draw_clickable(visit, view.cities, demo=wave.is_demo)
    if city:
        st.switch_page(BY_KEY[PageKey.CITY].path, query_params={"city": city, "wave": wave.key})
    for picture in (view.city_map, view.areas, view.trend):
        pictures.draw(visit, picture, demo=wave.is_demo)


run_page(PageKey.OVERVIEW, body)
