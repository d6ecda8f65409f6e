"""Progress: what is collected against the plan, when the rest will be there, what to do first."""

from survey.ui.navigation import PageKey
from survey.ui.page import Visit, run_page
from survey.ui.progress import choose, watch


def body(visit: Visit) -> None:
    followed = choose(visit)
    if followed is not None:
        watch(visit, followed)


run_page(PageKey.PROGRESS, body)
