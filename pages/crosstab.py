"""Crosstab page: one question by the groups of one area."""

from survey.ui.crosstab import draw_crosstab
from survey.ui.navigation import PageKey
from survey.ui.page_runner import run_page

run_page(PageKey.CROSSTAB, draw_crosstab)
