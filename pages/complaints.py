"""Page of rights and education: complaint statistics and opinion monitoring."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import run_page
from survey.screens.complaints import draw_rights_page

run_page(PageKey.COMPLAINTS, draw_rights_page)
