"""Tasks page of a surveyor: returned interviews, sampling points, invitation codes, counts."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import PageContext, run_page
from survey.screens.corrections import show_returned
from survey.screens.invitation_codes import draw_invitation_codes, draw_invitation_sheets
from survey.screens.tasks import draw_offer, draw_venue_task, pick_task, show_progress
from survey.store.tables import StudyUnit


def draw_page(page: PageContext) -> None:
    show_returned(page)
    task = pick_task(page)
    if task is not None and task.unit is StudyUnit.VENUE:
        draw_venue_task(page, task)
    elif task is not None:
        draw_offer(page, task)
        draw_invitation_codes(page, task)
        show_progress(page, task)
        draw_invitation_sheets(page, task)


run_page(PageKey.TASKS, draw_page)
