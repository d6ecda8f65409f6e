"""Modules of questions outside the score: their figures in one area, and one of them by city."""

import streamlit as st

from survey.publish.views.detriment import DETRIMENT
from survey.publish.views.measures import TOPICS
from survey.publish.views.modules import (
    MODULE_AREA_LEVELS,
    ModuleView,
    build_module_cities,
    build_module_view,
    list_module_measures,
)
from survey.results import WaveResults
from survey.ui import chart_panel, filters, text_blocks
from survey.ui.interval_table import draw_interval_table
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext
from survey.ui.results_cache import get_view
from survey.ui.url_state import pick


def draw_losses(page: PageContext) -> None:
    """Draw what disputes cost those who had one, in a wave and an area of choice."""
    chosen = filters.pick_wave_and_area(page, "losses", MODULE_AREA_LEVELS, series=None)
    if chosen is not None:
        draw_module(page, *chosen, DETRIMENT)


def draw_module(page: PageContext, results: WaveResults, area: str, topic: str) -> None:
    """Draw all figures of a module in an area, then the one chosen city by city."""
    t = page.t
    view: ModuleView = get_view(page, build_module_view, results, area=area, topic=topic)
    if not view.is_asked:
        draw_notice(
            t("This wave did not ask about it: {topic}", topic=t(TOPICS[topic])),
            t("Please choose another wave above."),
        )
        return
    if results.wave.is_demo:
        st.caption(t("DEMO DATA: generated, no result of any survey"))
    st.subheader(text_blocks.escape_markdown(view.title), anchor=False)
    text_blocks.draw_sentences(view.sentences)
    for panel in view.panels:
        chart_panel.draw_chart_panel(page, panel, results.wave)
    for note in view.notes:
        st.caption(text_blocks.escape_markdown(note))
    measures = get_view(page, list_module_measures, results, topic=topic)
    with filters.filter_row("module-measure"):
        measure = pick(
            t("Question by city"),
            "measure",
            list(measures),
            show=measures.__getitem__,
            language=page.language,
        )
    table = get_view(page, build_module_cities, results, measure=measure)
    draw_interval_table(page, table, results.wave, links_cities=True, has_details=False)
