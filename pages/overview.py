"""National overview page: headline score, cities that stand out, and tabs with the rest."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import run_page
from survey.screens.overview import draw_overview

run_page(PageKey.OVERVIEW, draw_overview)
