"""Sign-in codes: a supervisor prints one-time codes for the surveyors of the own area."""

from survey.ui.navigation import PageKey
from survey.ui.page import Visit, run_page
from survey.ui.sign_in_codes import sign_in_codes


def body(visit: Visit) -> None:
    sign_in_codes(visit)


run_page(PageKey.SIGN_IN_CODES, body)
