"""Back-check: draw interviews, ask the people again, see what differs and what follows from it."""

from survey.ui.back_check import back_check, choose
from survey.ui.navigation import PageKey
from survey.ui.page import Visit, run_page


def body(visit: Visit) -> None:
    chosen = choose(visit)
    if chosen is not None:
        back_check(visit, chosen)


run_page(PageKey.BACK_CHECK, body)
