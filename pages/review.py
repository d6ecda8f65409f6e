"""Review: one interview after the other as it was answered, approved, sent back or taken out."""

from survey.ui.navigation import PageKey
from survey.ui.page import Visit, run_page
from survey.ui.review import choose, review


def body(visit: Visit) -> None:
    chosen = choose(visit)
    if chosen is not None:
        review(visit, chosen)


run_page(PageKey.REVIEW, body)
