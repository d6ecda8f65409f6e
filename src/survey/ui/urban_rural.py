"""Town and countryside: the difference, and tabs for indicators, areas, residents and fields."""

from functools import partial

from survey.publish.views.contrast_sides import RESIDENCE, sides_of
from survey.publish.views.overview_tabs import AREA_CHOICES
from survey.publish.views.urban_rural import (
    RESIDENCE_AREA_LEVELS,
    AreaFilters,
    build_field_comparison,
    build_residence_areas,
    build_residence_groups,
    build_residence_indicators,
    build_urban_rural_view,
)
from survey.publish.views.view_context import list_area_choices
from survey.results import WaveResults
from survey.ui import chart_panel, filters, text_blocks
from survey.ui.interval_table import draw_interval_table
from survey.ui.modules import draw_module
from survey.ui.page_runner import PageContext
from survey.ui.results_cache import get_results, get_view
from survey.ui.url_state import draw_tabs


def draw_urban_rural(page: PageContext) -> None:
    """Draw the page."""
    t = page.t
    with filters.filter_row():
        wave = filters.pick_wave(page, "main")
        if wave is None:
            return
        results = get_results(page, wave)
        if not filters.has_scores(page, results):
            return
        known = get_view(page, list_area_choices, results, levels=RESIDENCE_AREA_LEVELS)
        place = filters.pick_area_scope(page, known)
        indicator = filters.pick_indicator(page, results)
    if place is None:
        return
    chosen = AreaFilters(place, indicator)
    view = get_view(page, build_urban_rural_view, results, filters=chosen)
    sides = sides_of(results)
    text_blocks.draw_difference(page, view.difference, view.sentence, against=t(sides.both[1]))
    drawers = {
        "indicators": (t("Indicators"), partial(_draw_indicators, page, results, chosen)),
        "areas": (t("Areas"), partial(_draw_areas, page, results, chosen)),
        "groups": (t("Residence and registration"), partial(_draw_groups, page, results, chosen)),
        "fields": (t("Fields of consumption"), partial(_draw_fields, page, results, chosen)),
        "modules": (t("Fields by place"), partial(_draw_modules, page, results, chosen)),
    }
    if sides is not RESIDENCE:
        del drawers["groups"]
    draw_tabs(drawers, language=page.language)


def _draw_indicators(page: PageContext, results: WaveResults, chosen: AreaFilters) -> None:
    picture = get_view(page, build_residence_indicators, results, filters=chosen)
    chart_panel.draw_chart_panel(page, picture, results.wave)


def _draw_areas(page: PageContext, results: WaveResults, chosen: AreaFilters) -> None:
    with filters.filter_row("areas"):
        by = filters.pick_level(page, results, (*AREA_CHOICES, "city"))
    table = get_view(page, build_residence_areas, results, indicator=chosen.indicator, by=by)
    draw_interval_table(page, table, results.wave, links_cities=by == "city", has_details=False)


def _draw_groups(page: PageContext, results: WaveResults, chosen: AreaFilters) -> None:
    picture = get_view(page, build_residence_groups, results, filters=chosen)
    chart_panel.draw_chart_panel(page, picture, results.wave)


def _draw_fields(page: PageContext, results: WaveResults, chosen: AreaFilters) -> None:
    with filters.filter_row("fields"):
        field = filters.pick_field(page, results)
    for picture in get_view(page, build_field_comparison, results, place=chosen.place, field=field):
        chart_panel.draw_chart_panel(page, picture, results.wave)


def _draw_modules(page: PageContext, results: WaveResults, chosen: AreaFilters) -> None:
    with filters.filter_row("modules"):
        field = filters.pick_field(page, results)
    draw_module(page, results, chosen.place, field)
