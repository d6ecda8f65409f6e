"""Paper entry page: keying of sheets, double entry, and adjudication of differences."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import run_page
from survey.screens.paper import draw_paper

run_page(PageKey.PAPER, draw_paper)
