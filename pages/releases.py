"""Release register: what is announced, signed and published, and the files of each release."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import run_page
from survey.screens.releases import draw_releases

run_page(PageKey.RELEASES, draw_releases)
