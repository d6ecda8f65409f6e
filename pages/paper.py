"""Paper entry page: keying of sheets, double entry, and adjudication of differences."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import PageContext, run_page
from survey.screens.paper import draw_tab, draw_tabs


def draw_page(page: PageContext) -> None:
    draw_tab(page, draw_tabs(page))


run_page(PageKey.PAPER, draw_page)
