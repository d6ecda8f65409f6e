"""Rectification: the problem lists of an area, what is due, and what waits for acceptance."""

from survey.ui.navigation import PageKey
from survey.ui.page_runner import run_page
from survey.ui.problems.overview import draw_rectification

run_page(PageKey.RECTIFICATION, draw_rectification)
