"""Page of complaints and opinion: complaint statistics, losses, opinion monitoring."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import run_page
from survey.screens.complaints import draw_complaints_page

run_page(PageKey.COMPLAINTS, draw_complaints_page)
