"""Which wave and city, and the three views of the page: to ask, results, draw."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType

from survey.fieldwork.review import review_waves, tally
from survey.locale import Message, msg
from survey.publish.views.names import Names
from survey.store.engine import read_scope
from survey.ui.back_check.calling import calling
from survey.ui.back_check.choice import Choice
from survey.ui.back_check.drawing import drawing
from survey.ui.back_check.outcome import say_what_happened
from survey.ui.back_check.results import results
from survey.ui.filters import filter_row, pick_begun_wave
from survey.ui.furniture import notice
from survey.ui.glossary import explain
from survey.ui.page import Visit
from survey.ui.url import pick

ALL = "all"


class View(StrEnum):
    CALL = "call"
    RESULTS = "results"
    DRAW = "draw"


VIEWS: Mapping[View, tuple[Message, Callable[[Visit, Choice], None]]] = MappingProxyType(
    {
        View.CALL: (msg("To ask again"), calling),
        View.RESULTS: (msg("Results"), results),
        View.DRAW: (msg("Draw"), drawing),
    }
)


def choose(visit: Visit) -> Choice | None:
    """The filters; says what to do when there is nothing to check yet."""
    t, names = visit.t, Names(visit.language, None)
    with read_scope(visit.settings.store_url) as session:
        waves = review_waves(session=session, principal=visit.principal)
        if not waves:
            notice(
                t("There is nothing to check yet"),
                t("Interviews can be drawn as soon as a wave is open and the first ones arrive."),
            )
            return None
        with filter_row():
            wave = pick_begun_wave(visit, waves)
            cities = list(tally(session=session, principal=visit.principal, wave_id=wave.id))
            options = cities if len(cities) == 1 else [ALL, *cities]
            city = pick(
                t("City"), "city", options or [ALL], language=visit.language,
                show=lambda code: t("All cities") if code == ALL else names.area(code),
            )  # fmt: skip
            view = pick(
                t("View"), "view", [view.value for view in View], language=visit.language,
                show=lambda code: t(VIEWS[View(code)][0]), as_buttons=True,
                explanation=explain("back-check", visit.language),
            )  # fmt: skip
    return Choice(wave, None if city == ALL else city, view)


def back_check(visit: Visit, choice: Choice) -> None:
    """The chosen view, below what became of the last click."""
    say_what_happened(visit.t)
    VIEWS[View(choice.view)][1](visit, choice)
