"""Method: every choice behind the figures, from the snapshot's own manifest."""

from survey.ui import filters
from survey.ui.method import explain_method
from survey.ui.navigation import PageKey
from survey.ui.page import Visit, run_page
from survey.ui.results import results_of


def body(visit: Visit) -> None:
    with filters.filter_row():
        wave = filters.pick_wave(visit, filters.pick_study(visit))
    if wave is not None:
        explain_method(visit, results_of(visit, wave))


run_page(PageKey.METHOD, body)
