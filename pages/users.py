"""Users and rights: who may work where and until when, and help for those who cannot sign in."""

from survey.ui.navigation import PageKey
from survey.ui.page_runner import PageContext, run_page
from survey.ui.users import draw_users


def draw_page(page: PageContext) -> None:
    draw_users(page)


run_page(PageKey.USERS, draw_page)
