"""Crosstab page: one question by the groups of one area."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import run_page
from survey.screens.special_groups import draw_crosstab

run_page(PageKey.CROSSTAB, draw_crosstab)
