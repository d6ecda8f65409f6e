"""Review page: interviews are approved, returned or voided one after the other."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import PageContext, run_page
from survey.screens.review.filters import draw_filters
from survey.screens.review.page import LATE, draw_parked, draw_review, pick_part


def draw_page(page: PageContext) -> None:
    if pick_part(page) == LATE:
        draw_parked(page)
        return
    chosen = draw_filters(page)
    if chosen is not None:
        draw_review(page, chosen)


run_page(PageKey.REVIEW, draw_page)
