"""National overview page: headline score, indicators, cities, areas and years."""

import streamlit as st

from survey.publish.views.overview import AREA_CHOICES, OverviewFilters, build_overview
from survey.publish.views.ranking import RankingFilters, build_ranking, focus_choices
from survey.ui import chart_panel, filters, text_blocks
from survey.ui.navigation import PAGES_BY_KEY, PageKey
from survey.ui.page_runner import PageContext, run_page
from survey.ui.results_cache import get_results, get_view, list_other_waves


def draw_page(page: PageContext) -> None:
    with filters.filter_row():
        wave = filters.pick_wave(page, "main")
        if wave is None:
            return
        results = get_results(page, wave)
        indicator = filters.pick_indicator(page, results)
        basis = filters.pick_basis(page)
    answer, cities, areas = st.container(), st.container(), st.container()
    with cities, filters.filter_row("cities"):
        known = get_view(page, focus_choices, results, indicator=indicator)
        focus = filters.pick_focus(page, known)
        region3 = filters.pick_area(page, results, "region3")
        city_class = filters.pick_area(page, results, "city_class")
    with areas, filters.filter_row("areas"):
        by = filters.pick_level(page, results, AREA_CHOICES)
    chosen = OverviewFilters(indicator, basis, by)
    narrowed = RankingFilters(indicator, basis, focus, region3, city_class)
    view = get_view(
        page, build_overview, results, others=list_other_waves(page, wave), filters=chosen
    )
    with answer:
        text_blocks.draw_headline(
            page, view.headline, view.sentence, unit=page.t("points"), band=view.band
        )
        text_blocks.draw_tiles(page.t, [(tile.name, tile.figure) for tile in view.tiles])
        text_blocks.draw_city_counts(page.t, view.standing)
        text_blocks.draw_remark(view.counted)
        chart_panel.draw_chart_panel(page, view.indicators, demo=wave.is_demo)
    with cities:
        order = get_view(page, build_ranking, results, filters=narrowed)
        text_blocks.draw_ranking_text(page, order)
        city = chart_panel.draw_clickable(page, order.chart_panel, demo=wave.is_demo)
    with areas:
        chart_panel.draw_chart_panel(page, view.areas, demo=wave.is_demo)
    chart_panel.draw_chart_panel(page, view.city_map, demo=wave.is_demo)
    chart_panel.draw_chart_panel(page, view.trend, demo=wave.is_demo)
    if city:
        st.switch_page(
            PAGES_BY_KEY[PageKey.CITY].path, query_params={"city": city, "wave": wave.key}
        )


run_page(PageKey.OVERVIEW, draw_page)
