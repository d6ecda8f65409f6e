"""Sign-in codes page: supervisors print one-time codes for surveyors of their area."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import PageContext, run_page
from survey.screens.users import draw_sign_in_codes


def draw_page(page: PageContext) -> None:
    draw_sign_in_codes(page)


run_page(PageKey.SIGN_IN_CODES, draw_page)
