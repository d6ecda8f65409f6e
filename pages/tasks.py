"""My tasks: what was sent back, sampling points, one-time links with QR codes, own count."""

from survey.ui.corrections import show_returned
from survey.ui.handing_out import hand_out
from survey.ui.navigation import PageKey
from survey.ui.page import Visit, run_page
from survey.ui.sheets import printed_codes
from survey.ui.tasks import pick_task, show_progress


def body(visit: Visit) -> None:
    show_returned(visit)
    task = pick_task(visit)
    if task is not None:
        hand_out(visit, task)
        show_progress(visit, task)
        printed_codes(visit, task)


run_page(PageKey.TASKS, body)
