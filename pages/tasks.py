"""My tasks: what was sent back, sampling points, one-time links with QR codes, own count."""

from survey.ui.corrections import show_returned
from survey.ui.invitation_codes import draw_invitation_codes
from survey.ui.invitation_sheets import draw_invitation_sheets
from survey.ui.navigation import PageKey
from survey.ui.page_runner import PageContext, run_page
from survey.ui.tasks import pick_task, show_progress


def draw_page(visit: PageContext) -> None:
    show_returned(visit)
    task = pick_task(visit)
    if task is not None:
        draw_invitation_codes(visit, task)
        show_progress(visit, task)
        draw_invitation_sheets(visit, task)


run_page(PageKey.TASKS, draw_page)
