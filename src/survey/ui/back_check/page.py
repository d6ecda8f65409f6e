"""The back-check page: filters, and the views for calling, results and drawing."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType

from survey.fieldwork.review import count_by_status, list_review_waves
from survey.locale import Message, msg
from survey.publish.views.display_names import DisplayNames
from survey.store.engine import read_scope
from survey.ui.back_check.call_list import draw_call_list
from survey.ui.back_check.draws import draw_draws
from survey.ui.back_check.filters import BackCheckSelection
from survey.ui.back_check.results import draw_results
from survey.ui.feedback import show_feedback
from survey.ui.filters import filter_row, pick_started_wave
from survey.ui.glossary import explain
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext
from survey.ui.url_state import pick

ALL = "all"


class BackCheckTab(StrEnum):
    CALL = "call"
    RESULTS = "results"
    DRAW = "draw"


VIEWS: Mapping[BackCheckTab, tuple[Message, Callable[[PageContext, BackCheckSelection], None]]] = (
    MappingProxyType(
        {
            BackCheckTab.CALL: (msg("To ask again"), draw_call_list),
            BackCheckTab.RESULTS: (msg("Results"), draw_results),
            BackCheckTab.DRAW: (msg("Draw"), draw_draws),
        }
    )
)


def draw_filters(page: PageContext) -> BackCheckSelection | None:
    """Draw the filters and return the selection; None if there is nothing to check yet."""
    t, names = page.t, DisplayNames(page.language, None)
    with read_scope(page.settings.store_url) as session:
        waves = list_review_waves(session=session, principal=page.principal)
        if not waves:
            draw_notice(
                t("There is nothing to check yet"),
                t("Interviews can be drawn as soon as a wave is open and the first ones arrive."),
            )
            return None
        with filter_row():
            wave = pick_started_wave(page, waves)
            cities = list(
                count_by_status(session=session, principal=page.principal, wave_id=wave.id)
            )
            options = cities if len(cities) == 1 else [ALL, *cities]
            city = pick(
                t("City"), "city", options or [ALL], language=page.language,
                show=lambda code: t("All cities") if code == ALL else names.area(code),
            )  # fmt: skip
            view = pick(
                t("View"), "view", [view.value for view in BackCheckTab], language=page.language,
                show=lambda code: t(VIEWS[BackCheckTab(code)][0]), as_buttons=True,
                explanation=explain("back-check", page.language),
            )  # fmt: skip
    return BackCheckSelection(wave, None if city == ALL else city, view)


def draw_back_check(page: PageContext, choice: BackCheckSelection) -> None:
    """Draw the chosen view below the message of the last change."""
    show_feedback(page, toast=True)
    VIEWS[BackCheckTab(choice.view)][1](page, choice)
