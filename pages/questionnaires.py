"""Questionnaires page: versions, indicators, differences, translations, paper, and upload."""

from survey.ui.navigation import PageKey
from survey.ui.page_runner import PageContext, run_page
from survey.ui.questionnaires import draw_questionnaires


def draw_page(page: PageContext) -> None:
    draw_questionnaires(page)


run_page(PageKey.QUESTIONNAIRES, draw_page)
