"""Planning page: waves, sample and quotas, sampling points, and people."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import PageContext, run_page
from survey.screens.plan import draw_plan


def draw_page(page: PageContext) -> None:
    draw_plan(page)


run_page(PageKey.PLAN, draw_page)
