"""The back-check page: one of its tabs, below the message of the last change."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from survey.kit.feedback import show_feedback
from survey.kit.page_runner import PageContext
from survey.screens.back_check.call_list import draw_call_list
from survey.screens.back_check.draws import BackCheckSelection, BackCheckTab, draw_draws
from survey.screens.back_check.results import draw_results

_DRAW_TAB: Mapping[BackCheckTab, Callable[[PageContext, BackCheckSelection], None]] = (
    MappingProxyType(
        {
            BackCheckTab.CALL: draw_call_list,
            BackCheckTab.RESULTS: draw_results,
            BackCheckTab.DRAW: draw_draws,
        }
    )
)


def draw_back_check(page: PageContext, choice: BackCheckSelection) -> None:
    """Draw the chosen tab below the message of the last change."""
    show_feedback(page, toast=True)
    _DRAW_TAB[choice.tab](page, choice)
