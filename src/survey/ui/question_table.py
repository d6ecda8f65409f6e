"""Questions of a wave without a composite score: as a table, and one of them city by city."""

import streamlit as st

from survey.access.roles import NATION
from survey.publish.views.modules import build_module_cities
from survey.publish.views.question_table import NO_COMPOSITE, build_question_table, list_questions
from survey.results import WaveResults
from survey.ui import filters, text_blocks
from survey.ui.interval_table import draw_interval_table
from survey.ui.page_runner import PageContext
from survey.ui.results_cache import get_view
from survey.ui.url_state import pick


def draw_questions(page: PageContext, results: WaveResults, city: str = "") -> None:
    """Draw all questions in a city; without one in the whole wave, and one of them by city."""
    t, wave = page.t, results.wave
    text_blocks.draw_sentence(t(NO_COMPOSITE))
    if wave.is_demo:
        st.caption(t("DEMO DATA: generated, no result of any survey"))
    table = get_view(page, build_question_table, results, area=city or NATION)
    draw_interval_table(page, table, wave, has_details=False)
    if city:
        return
    questions = get_view(page, list_questions, results)
    if not questions:
        return
    with filters.filter_row("question"):
        measure = pick(
            t("Question by city"),
            "measure",
            list(questions),
            show=questions.__getitem__,
            language=page.language,
        )
    by_city = get_view(page, build_module_cities, results, measure=measure)
    draw_interval_table(page, by_city, wave, links_cities=True, has_details=False)
