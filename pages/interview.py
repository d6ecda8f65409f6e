"""Interview: the surveyor reads the questions aloud and enters the answers."""

from survey.ui.assisted import conduct
from survey.ui.navigation import PageKey
from survey.ui.page import Visit, run_page
from survey.ui.tasks import pick_task


def body(visit: Visit) -> None:
    task = pick_task(visit)
    if task is not None:
        conduct(visit, task)


run_page(PageKey.INTERVIEW, body)
