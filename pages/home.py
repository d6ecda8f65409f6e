"""Start page: what this is, and signing in by choosing a role."""

from survey.ui.home import welcome
from survey.ui.navigation import PageKey
from survey.ui.page import run_open_page

run_open_page(PageKey.HOME, welcome)
