"""Paper entry: sheets keyed without a mouse, keyed twice where drawn, settled where they differ."""

from survey.ui.navigation import PageKey
from survey.ui.page_runner import PageContext, run_page
from survey.ui.paper import draw_tab, draw_tabs


def draw_page(visit: PageContext) -> None:
    draw_tab(visit, draw_tabs(visit))


run_page(PageKey.PAPER, draw_page)
