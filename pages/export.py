"""Export page: de-identified microdata for analysts, for a stated purpose."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import PageContext, run_page
from survey.screens.export import draw_export


def draw_page(page: PageContext) -> None:
    draw_export(page)


run_page(PageKey.EXPORT, draw_page)
