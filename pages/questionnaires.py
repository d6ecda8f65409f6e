"""Questionnaires page: versions, indicators, differences, translations, paper, and upload."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import PageContext, run_page
from survey.screens.questionnaires import draw_questionnaires


def draw_page(page: PageContext) -> None:
    draw_questionnaires(page)


run_page(PageKey.QUESTIONNAIRES, draw_page)
