"""Back-check page: draw interviews, call respondents again, compare, and take measures."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import PageContext, run_page
from survey.screens.back_check import draw_back_check
from survey.screens.back_check.draws import draw_filters


def draw_page(page: PageContext) -> None:
    chosen = draw_filters(page)
    if chosen is not None:
        draw_back_check(page, chosen)


run_page(PageKey.BACK_CHECK, draw_page)
