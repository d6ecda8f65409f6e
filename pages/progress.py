"""Progress: what is collected against the plan, when the rest will be there, what to do first."""

from survey.ui.navigation import PageKey
from survey.ui.page import Visit, run_page
from survey.ui.progress import choose, watch, who_needs_attention


def body(visit: Visit) -> None:
    followed = choose(visit)
    if followed is not None:
        watch(visit, followed)
        who_needs_attention(visit, followed.wave.key, demo=followed.wave.is_demo)


run_page(PageKey.PROGRESS, body)
