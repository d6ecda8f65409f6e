"""Release register: what is announced, signed and published, and the files of each release."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import PageContext, run_page
from survey.screens.releases import draw_releases


def draw_page(page: PageContext) -> None:
    draw_releases(page)


run_page(PageKey.RELEASES, draw_page)
