"""Crosstab: a question, the groups and an area are chosen one after the other."""

import streamlit as st

from survey.publish.views.crosstab import (
    CROSSTAB_AREA_LEVELS,
    CrosstabFilters,
    build_crosstab,
    question_choices,
    variable_choices,
)
from survey.publish.views.view_context import list_area_choices
from survey.ui import filters, text_blocks
from survey.ui.interval_table import draw_interval_table
from survey.ui.page_runner import PageContext
from survey.ui.results_cache import get_results, get_view
from survey.ui.url_state import pick


def draw_crosstab(page: PageContext) -> None:
    """Draw the page."""
    t = page.t
    with filters.filter_row():
        wave = filters.pick_wave(page)
        if wave is None:
            return
        results = get_results(page, wave)
        questions = get_view(page, question_choices, results)
        variables = get_view(page, variable_choices, results)
        if not questions or not variables:
            text_blocks.draw_sentence(t("This wave holds no question by groups."))
            return
        question = pick(
            t("1. Question"),
            "question",
            list(questions),
            show=questions.__getitem__,
            language=page.language,
            is_searched=True,
        )
        variable = pick(
            t("2. Groups"),
            "split",
            list(variables),
            show=variables.__getitem__,
            language=page.language,
        )
        areas = get_view(page, list_area_choices, results, levels=CROSSTAB_AREA_LEVELS)
        area = filters.pick_area_scope(page, areas, t("3. Area"))
    if area is None:
        return
    chosen = CrosstabFilters(question, variable, area)
    view = get_view(page, build_crosstab, results, filters=chosen)
    text_blocks.draw_sentence(view.sentence)
    draw_interval_table(page, view.table, wave, has_details=False)
    st.caption(
        t(
            "The question as it was asked: {question} Shares are of those who were asked it and "
            "gave an answer.",
            question=text_blocks.escape_markdown(view.question),
        )
    )
