"""Experience checks: what blind observers noted at venues, beside the score."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import PageContext, run_page
from survey.screens.experience_checks.page import draw_experience_checks


def draw_page(page: PageContext) -> None:
    draw_experience_checks(page)


run_page(PageKey.EXPERIENCE_CHECKS, draw_page)
