"""Start page: what the platform is, and demo roles to sign in as."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import run_public_page
from survey.screens.home import draw_home

run_public_page(PageKey.HOME, draw_home)
