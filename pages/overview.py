"""National overview page: headline score, cities that stand out, and tabs with the rest."""

from survey.ui.navigation import PageKey
from survey.ui.overview import draw_overview
from survey.ui.page_runner import run_page

run_page(PageKey.OVERVIEW, draw_overview)
