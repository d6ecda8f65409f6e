"""Review page: interviews are approved, returned or voided one after the other."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import PageContext, run_page
from survey.screens.review.filters import draw_filters
from survey.screens.review.open_answers import draw_open_answers
from survey.screens.review.page import LATE, QUEUE, draw_parked, draw_review, pick_part


def draw_page(page: PageContext) -> None:
    part = pick_part(page)
    if part != QUEUE:
        (draw_parked if part == LATE else draw_open_answers)(page)
        return
    chosen = draw_filters(page)
    if chosen is not None:
        draw_review(page, chosen)


run_page(PageKey.REVIEW, draw_page)
