"""One city: its score beside the nation and its peers, strengths and gaps, groups, reports."""

import streamlit as st

from survey.publish.views.city import CityFilters, city_choices, city_profile
from survey.publish.views.drivers import DriverFilters, driver_choices, drivers
from survey.ui import blocks, filters, pictures
from survey.ui.navigation import PageKey
from survey.ui.page import Visit, run_page
from survey.ui.results import results_of, view_of


def body(visit: Visit) -> None:
    with filters.filter_row():
        wave = filters.pick_wave(visit, "main")
        if wave is None:
            return
        results = results_of(visit, wave)
        city = filters.pick_city(visit, view_of(visit, city_choices, results))
    answer, tree, groups, first, reports = (st.container() for _ in range(5))
    with tree, filters.filter_row("tree"):
        against = filters.pick_yardstick(visit)
        detail = filters.pick_detail(visit)
    with first, filters.filter_row("drivers"):
        whom = filters.pick_whom(visit, view_of(visit, driver_choices, results))
    with reports, filters.filter_row("reports"):
        topic = filters.pick_topic(visit, results)
    chosen = CityFilters(city, against, detail, topic)
    view = view_of(visit, city_profile, results, filters=chosen)
    with answer:
        blocks.place(view.name, view.place)
        blocks.answer(visit, view.headline, view.sentence, unit=visit.t("points"))
        blocks.say(view.comparison)
        blocks.strengths(visit.t, view.strengths, view.weaknesses)
    with tree:
        pictures.draw(visit, view.tree, demo=wave.is_demo)
    with groups:
        pictures.draw(visit, view.groups, demo=wave.is_demo)
    with first:
        drivers_view = view_of(visit, drivers, results, filters=DriverFilters(city, whom))
        blocks.say(drivers_view.sentence)
        blocks.say(drivers_view.certainty)
        if drivers_view.matrix is not None:
            pictures.draw(visit, drivers_view.matrix, demo=wave.is_demo)
    with reports:
        for picture in view.measures:
            pictures.draw(visit, picture, demo=wave.is_demo)


run_page(PageKey.CITY, body)
