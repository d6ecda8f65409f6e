"""Start page: what the platform is, and demo roles to sign in as."""

from survey.ui.home import draw_home
from survey.ui.navigation import PageKey
from survey.ui.page_runner import run_public_page

run_public_page(PageKey.HOME, draw_home)
