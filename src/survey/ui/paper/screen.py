"""The three views of paper entry and who has which."""

from collections.abc import Callable
from enum import StrEnum

from survey.access.principal import Action
from survey.locale import Message, msg
from survey.ui.page import Visit
from survey.ui.paper.batch import key_sheets
from survey.ui.paper.typists import show_typists
from survey.ui.paper.verdict import settle_sheets
from survey.ui.url import pick


class View(StrEnum):
    KEY = "key"
    VERDICT = "verdict"
    TYPISTS = "typists"


_VIEWS: dict[View, tuple[Message, Action, Callable[[Visit], None]]] = {
    View.KEY: (msg("Key sheets"), Action.KEY_PAPER, key_sheets),
    View.VERDICT: (msg("Settle differences"), Action.SETTLE_PAPER, settle_sheets),
    View.TYPISTS: (msg("Typists and errors"), Action.REVIEW, show_typists),
}


def choose_view(visit: Visit) -> View:
    """What to do on this page; people with one right have no choice to make."""
    t = visit.t
    own = [view for view, (_, action, _) in _VIEWS.items() if visit.principal.may(action)]
    chosen = pick(
        t("What to do"),
        "view",
        own,
        show=lambda code: t(_VIEWS[View(code)][0]),
        language=visit.language,
        as_buttons=True,
    )
    return View(chosen)


def show(visit: Visit, view: View) -> None:
    _VIEWS[view][2](visit)
