"""Comparative tests: products measured by a laboratory, beside the score."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import PageContext, run_page
from survey.screens.comparative_tests.page import draw_comparative_tests


def draw_page(page: PageContext) -> None:
    draw_comparative_tests(page)


run_page(PageKey.COMPARATIVE_TESTS, draw_page)
