"""Method page: how the estimates were computed, from the manifest of the snapshot."""

from survey.kit import filters
from survey.kit.navigation import PageKey
from survey.kit.page_runner import PageContext, run_page
from survey.kit.results_cache import get_results
from survey.screens.method import draw_method


def draw_page(page: PageContext) -> None:
    with filters.filter_row():
        wave = filters.pick_wave(page, filters.pick_study(page))
    if wave is not None:
        draw_method(page, get_results(page, wave))


run_page(PageKey.METHOD, draw_page)
