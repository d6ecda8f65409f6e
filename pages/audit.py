"""Audit page: entries of the audit trail, and whether its hash chain is intact."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import PageContext, run_page
from survey.screens.audit_checks import draw_checks
from survey.screens.audit_page import draw_filters, draw_trail


def draw_page(page: PageContext) -> None:
    choice = draw_filters(page)
    draw_checks(page)
    draw_trail(page, choice)


run_page(PageKey.AUDIT, draw_page)
