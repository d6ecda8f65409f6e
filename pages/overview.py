"""The national overview: the answer first, then its parts, the cities, the areas, the years."""

import streamlit as st

from survey.publish.views.overview import AREA_CHOICES, OverviewFilters, build_overview
from survey.publish.views.ranking import RankingFilters, build_ranking, focus_choices
from survey.ui import chart_panel, filters, text_blocks
from survey.ui.navigation import PAGES_BY_KEY, PageKey
from survey.ui.page_runner import PageContext, run_page
from survey.ui.results_cache import get_results, get_view, list_other_waves


def draw_page(visit: PageContext) -> None:
    with filters.filter_row():
        wave = filters.pick_wave(visit, "main")
        if wave is None:
            return
        results = get_results(visit, wave)
        indicator = filters.pick_indicator(visit, results)
        basis = filters.pick_basis(visit)
    answer, cities, areas = st.container(), st.container(), st.container()
    with cities, filters.filter_row("cities"):
        known = get_view(visit, focus_choices, results, indicator=indicator)
        focus = filters.pick_focus(visit, known)
        region3 = filters.pick_area(visit, results, "region3")
        city_class = filters.pick_area(visit, results, "city_class")
    with areas, filters.filter_row("areas"):
        by = filters.pick_level(visit, results, AREA_CHOICES)
    chosen = OverviewFilters(indicator, basis, by)
    narrowed = RankingFilters(indicator, basis, focus, region3, city_class)
    view = get_view(
        visit, build_overview, results, others=list_other_waves(visit, wave), filters=chosen
    )
    with answer:
        text_blocks.draw_headline(
            visit, view.headline, view.sentence, unit=visit.t("points"), band=view.band
        )
        text_blocks.draw_tiles(visit.t, [(tile.name, tile.figure) for tile in view.tiles])
        text_blocks.draw_city_counts(visit.t, view.standing)
        text_blocks.draw_remark(view.counted)
        chart_panel.draw_chart_panel(visit, view.indicators, demo=wave.is_demo)
    with cities:
        order = get_view(visit, build_ranking, results, filters=narrowed)
        text_blocks.draw_ranking_text(visit, order)
        city = chart_panel.draw_clickable(visit, order.chart_panel, demo=wave.is_demo)
    with areas:
        chart_panel.draw_chart_panel(visit, view.areas, demo=wave.is_demo)
    chart_panel.draw_chart_panel(visit, view.city_map, demo=wave.is_demo)
    chart_panel.draw_chart_panel(visit, view.trend, demo=wave.is_demo)
    if city:
        st.switch_page(
            PAGES_BY_KEY[PageKey.CITY].path, query_params={"city": city, "wave": wave.key}
        )


run_page(PageKey.OVERVIEW, draw_page)
