"""Trends page: changes since an earlier wave, and cities beside their peers."""

from survey.ui.navigation import PageKey
from survey.ui.page_runner import run_page
from survey.ui.trends import draw_trends

run_page(PageKey.TRENDS, draw_trends)
