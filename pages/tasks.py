"""My tasks: what was sent back, sampling points, one-time links with QR codes, own count."""

from survey.ui.corrections import show_returned
from survey.ui.navigation import PageKey
from survey.ui.page import Visit, run_page
from survey.ui.tasks import hand_out, pick_task, show_progress


def body(visit: Visit) -> None:
    show_returned(visit)
    task = pick_task(visit)
    if task is not None:
        hand_out(visit, task)
        show_progress(visit, task)


run_page(PageKey.TASKS, body)
