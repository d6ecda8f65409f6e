"""Comparative tests: products measured by a laboratory, beside the score."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import run_page
from survey.screens.comparative_tests.page import draw_comparative_tests

run_page(PageKey.COMPARATIVE_TESTS, draw_comparative_tests)
