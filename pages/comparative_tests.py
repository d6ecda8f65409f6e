"""Comparative tests: products measured by a laboratory, beside the score."""

from survey.ui.comparative_tests.page import draw_comparative_tests
from survey.ui.navigation import PageKey
from survey.ui.page_runner import PageContext, run_page


def draw_page(page: PageContext) -> None:
    draw_comparative_tests(page)


run_page(PageKey.COMPARATIVE_TESTS, draw_page)
