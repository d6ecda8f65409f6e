"""Town and countryside, and fields of consumption: the difference first, then what is behind it."""

import streamlit as st

from survey.publish.views.overview import AREA_CHOICES
from survey.publish.views.places import place_choices
from survey.publish.views.urban_rural import PLACES, PlaceFilters, urban_rural
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
        known = view_of(visit, place_choices, results, levels=PLACES)
        place = filters.pick_place(visit, known)
        indicator = filters.pick_indicator(visit, results)
    answer, areas, fields = st.container(), st.container(), st.container()
    with areas, filters.filter_row("areas"):
        by = filters.pick_level(visit, results, AREA_CHOICES)
    with fields, filters.filter_row("fields"):
        field = filters.pick_field(visit, results)
    view = view_of(visit, urban_rural, results, filters=PlaceFilters(place, indicator, by, field))
    with answer:
        blocks.difference(visit, view.difference, view.sentence, against=visit.t("town"))
        pictures.draw(visit, view.indicators, demo=wave.is_demo)
    with areas:
        pictures.draw(visit, view.areas, demo=wave.is_demo)
        pictures.draw(visit, view.residents, demo=wave.is_demo)
    with fields:
        for picture in view.fields:
            pictures.draw(visit, picture, demo=wave.is_demo)


run_page(PageKey.URBAN_RURAL, body)
