"""Trends page: changes since an earlier wave, and cities beside their peers."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import run_page
from survey.screens.trends import draw_trends

run_page(PageKey.TRENDS, draw_trends)
