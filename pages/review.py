"""Review: one interview after the other as it was answered, approved, sent back or taken out."""

from survey.ui.navigation import PageKey
from survey.ui.page_runner import PageContext, run_page
from survey.ui.review import draw_filters, draw_review


def draw_page(visit: PageContext) -> None:
    chosen = draw_filters(visit)
    if chosen is not None:
        draw_review(visit, chosen)


run_page(PageKey.REVIEW, draw_page)
