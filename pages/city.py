"""City page: score beside nation and peers, strengths, weaknesses, groups and reports."""

import streamlit as st

from survey.publish.views.city import CityFilters, build_city_profile, city_choices
from survey.publish.views.drivers import DriverFilters, build_driver_view, driver_choices
from survey.ui import chart_panel, filters, text_blocks
from survey.ui.navigation import PageKey
from survey.ui.page_runner import PageContext, run_page
from survey.ui.results_cache import get_results, get_view


def draw_page(page: PageContext) -> None:
    with filters.filter_row():
        wave = filters.pick_wave(page, "main")
        if wave is None:
            return
        results = get_results(page, wave)
        city = filters.pick_city(page, get_view(page, city_choices, results))
    answer, tree, groups, first, reports = (st.container() for _ in range(5))
    with tree, filters.filter_row("tree"):
        against = filters.pick_reference(page)
        detail = filters.pick_detail(page)
    with first, filters.filter_row("drivers"):
        whom = filters.pick_driver_group(page, get_view(page, driver_choices, results))
    with reports, filters.filter_row("reports"):
        topic = filters.pick_topic(page, results)
    chosen = CityFilters(city, against, detail, topic)
    view = get_view(page, build_city_profile, results, filters=chosen)
    with answer:
        text_blocks.draw_city_title(view.name, view.location)
        text_blocks.draw_headline(page, view.headline, view.sentence, unit=page.t("points"))
        text_blocks.draw_sentence(view.comparison)
        text_blocks.draw_strengths(page.t, view.strengths, view.weaknesses)
    with tree:
        chart_panel.draw_chart_panel(page, view.tree, demo=wave.is_demo)
    with groups:
        chart_panel.draw_chart_panel(page, view.groups, demo=wave.is_demo)
    with first:
        drivers_view = get_view(page, build_driver_view, results, filters=DriverFilters(city, whom))
        text_blocks.draw_sentence(drivers_view.sentence)
        text_blocks.draw_sentence(drivers_view.certainty)
        if drivers_view.matrix is not None:
            chart_panel.draw_chart_panel(page, drivers_view.matrix, demo=wave.is_demo)
    with reports:
        for picture in view.measures:
            chart_panel.draw_chart_panel(page, picture, demo=wave.is_demo)


run_page(PageKey.CITY, draw_page)
