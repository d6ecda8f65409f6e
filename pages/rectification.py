"""Rectification: the problem lists of an area, what is due, and what waits for acceptance."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import run_page
from survey.screens.problems.overview import draw_rectification

run_page(PageKey.RECTIFICATION, draw_rectification)
