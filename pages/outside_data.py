"""Page of outside data: deliver, check, and look at deliveries and their revisions."""

from survey.ui.navigation import PageKey
from survey.ui.outside_data import draw_outside_data
from survey.ui.page_runner import run_page

run_page(PageKey.OUTSIDE_DATA, draw_outside_data)
