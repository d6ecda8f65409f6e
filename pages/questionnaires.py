"""Questionnaires page: versions, indicators, differences, translations, paper, and upload."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import run_page
from survey.screens.questionnaires.page import draw_questionnaires

run_page(PageKey.QUESTIONNAIRES, draw_questionnaires)
