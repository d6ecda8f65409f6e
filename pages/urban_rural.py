"""Urban and rural page: differences between town and countryside, by field of consumption."""

import streamlit as st

from survey.publish.views.overview_tabs import AREA_CHOICES
from survey.publish.views.urban_rural import (
    RESIDENCE_AREA_LEVELS,
    AreaFilters,
    build_urban_rural_view,
)
from survey.publish.views.view_context import list_area_choices
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
        known = get_view(page, list_area_choices, results, levels=RESIDENCE_AREA_LEVELS)
        place = filters.pick_area_scope(page, known)
        indicator = filters.pick_indicator(page, results)
    answer, areas, fields = st.container(), st.container(), st.container()
    with areas, filters.filter_row("areas"):
        by = filters.pick_level(page, results, AREA_CHOICES)
    with fields, filters.filter_row("fields"):
        field = filters.pick_field(page, results)
    view = get_view(
        page, build_urban_rural_view, results, filters=AreaFilters(place, indicator, by, field)
    )
    with answer:
        text_blocks.draw_difference(page, view.difference, view.sentence, against=page.t("town"))
        chart_panel.draw_chart_panel(page, view.indicators, demo=wave.is_demo)
    with areas:
        chart_panel.draw_chart_panel(page, view.areas, demo=wave.is_demo)
        chart_panel.draw_chart_panel(page, view.residents, demo=wave.is_demo)
    with fields:
        for picture in view.fields:
            chart_panel.draw_chart_panel(page, picture, demo=wave.is_demo)


run_page(PageKey.URBAN_RURAL, draw_page)
