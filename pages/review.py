"""Review page: interviews are approved, returned or voided one after the other."""

from survey.ui.navigation import PageKey
from survey.ui.page_runner import PageContext, run_page
from survey.ui.review import draw_filters, draw_review


def draw_page(page: PageContext) -> None:
    chosen = draw_filters(page)
    if chosen is not None:
        draw_review(page, chosen)


run_page(PageKey.REVIEW, draw_page)
