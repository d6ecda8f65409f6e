"""Back-check page: draw interviews, call respondents again, compare, and take measures."""

from survey.ui.back_check import draw_back_check
from survey.ui.back_check.filters import draw_filters
from survey.ui.navigation import PageKey
from survey.ui.page_runner import PageContext, run_page


def draw_page(page: PageContext) -> None:
    chosen = draw_filters(page)
    if chosen is not None:
        draw_back_check(page, chosen)


run_page(PageKey.BACK_CHECK, draw_page)
