"""Export page: de-identified microdata for analysts, for a stated purpose."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import run_page
from survey.screens.export import draw_export

run_page(PageKey.EXPORT, draw_export)
