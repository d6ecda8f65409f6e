"""Sign-in codes page: supervisors print one-time codes for surveyors of their area."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import run_page
from survey.screens.users import draw_sign_in_codes

run_page(PageKey.SIGN_IN_CODES, draw_sign_in_codes)
