"""Consumer education page: what residents came across, and the register of activities."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import run_page
from survey.screens.education import draw_education

run_page(PageKey.EDUCATION, draw_education)
