"""Progress: what is collected against the plan, when the rest will be there, what to do first."""

from survey.ui.navigation import PageKey
from survey.ui.page import Visit, run_page
from survey.ui.progress import choose_wave, watch


def body(visit: Visit) -> None:
    wave = choose_wave(visit)
    if wave is not None:
        watch(visit, wave)


run_page(PageKey.PROGRESS, body)
