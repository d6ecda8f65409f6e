"""Progress page: collected interviews against the plan, forecast, and alerts."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import PageContext, run_page
from survey.screens.progress import draw_filters, draw_progress
from survey.screens.progress.summary import draw_quality_summary


def draw_page(page: PageContext) -> None:
    followed = draw_filters(page)
    if followed is not None:
        draw_progress(page, followed)
        draw_quality_summary(page, followed.wave)


run_page(PageKey.PROGRESS, draw_page)
