"""Audit: who did what to whom and when, and whether anybody has touched the trail since."""

from survey.ui.audit import choose, show
from survey.ui.navigation import PageKey
from survey.ui.page import Visit, run_page


def body(visit: Visit) -> None:
    show(visit, choose(visit))


run_page(PageKey.AUDIT, body)
