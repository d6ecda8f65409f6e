"""Interview page: the surveyor reads the questions aloud and enters the answers."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import PageContext, run_page
from survey.screens.tasks import draw_assisted_interview, pick_task


def draw_page(page: PageContext) -> None:
    task = pick_task(page)
    if task is not None:
        draw_assisted_interview(page, task)


run_page(PageKey.INTERVIEW, draw_page)
