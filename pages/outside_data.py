"""Page of outside data: deliver, check, and look at deliveries and their revisions."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import run_page
from survey.screens.outside_data import draw_outside_data

run_page(PageKey.OUTSIDE_DATA, draw_outside_data)
