"""Export page: de-identified microdata for analysts, for a stated purpose."""

from survey.ui.export import draw_export
from survey.ui.navigation import PageKey
from survey.ui.page_runner import PageContext, run_page


def draw_page(page: PageContext) -> None:
    draw_export(page)


run_page(PageKey.EXPORT, draw_page)
