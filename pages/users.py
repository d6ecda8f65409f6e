"""Users and rights: who may work where and until when, and help for those who cannot sign in."""

from survey.ui.navigation import PageKey
from survey.ui.page import Visit, run_page
from survey.ui.users import users


def body(visit: Visit) -> None:
    users(visit)


run_page(PageKey.USERS, body)
