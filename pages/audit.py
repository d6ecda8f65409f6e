"""Audit page: entries of the audit trail, and whether its hash chain is intact."""

from survey.ui.audit_page import draw_filters, draw_trail
from survey.ui.navigation import PageKey
from survey.ui.page_runner import PageContext, run_page


def draw_page(page: PageContext) -> None:
    draw_trail(page, draw_filters(page))


run_page(PageKey.AUDIT, draw_page)
