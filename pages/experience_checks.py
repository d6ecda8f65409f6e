"""Experience checks: what blind observers noted at venues, beside the score."""

from survey.ui.experience_checks.page import draw_experience_checks
from survey.ui.navigation import PageKey
from survey.ui.page_runner import PageContext, run_page


def draw_page(page: PageContext) -> None:
    draw_experience_checks(page)


run_page(PageKey.EXPERIENCE_CHECKS, draw_page)
