"""Page of rights and education: complaint statistics and opinion monitoring."""

from survey.ui.complaints import draw_rights_page
from survey.ui.navigation import PageKey
from survey.ui.page_runner import run_page

run_page(PageKey.COMPLAINTS, draw_rights_page)
