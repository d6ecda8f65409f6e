"""Users page: accounts with role, area and last day, and help with signing in."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import run_page
from survey.screens.users import draw_users

run_page(PageKey.USERS, draw_users)
