"""Experience checks: what blind observers noted at venues, beside the score."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import run_page
from survey.screens.experience_checks.page import draw_experience_checks

run_page(PageKey.EXPERIENCE_CHECKS, draw_experience_checks)
