"""Paper entry: sheets keyed without a mouse, keyed twice where drawn, settled where they differ."""

from survey.ui.navigation import PageKey
from survey.ui.page import Visit, run_page
from survey.ui.paper import choose_view, show


def body(visit: Visit) -> None:
    show(visit, choose_view(visit))


run_page(PageKey.PAPER, body)
