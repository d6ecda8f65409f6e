"""Tabs of the paper entry page and the actions that open them."""

from collections.abc import Callable
from enum import StrEnum

from survey.access.roles import Action
from survey.kit.page_runner import PageContext
from survey.kit.url_state import pick
from survey.locale import Message, msg
from survey.screens.paper.keying import key_sheets
from survey.screens.paper.typist_errors import draw_adjudication, show_typists


class PaperTab(StrEnum):
    KEY = "key"
    VERDICT = "verdict"
    TYPISTS = "typists"


_VIEWS: dict[PaperTab, tuple[Message, Action, Callable[[PageContext], None]]] = {
    PaperTab.KEY: (msg("Key sheets"), Action.KEY_PAPER, key_sheets),
    PaperTab.VERDICT: (msg("Settle differences"), Action.SETTLE_PAPER, draw_adjudication),
    PaperTab.TYPISTS: (msg("Typists and errors"), Action.REVIEW, show_typists),
}


def draw_tabs(page: PageContext) -> PaperTab:
    """Draw the tabs that the principal may open and return the chosen one."""
    t = page.t
    own = [view for view, (_, action, _) in _VIEWS.items() if page.principal.may(action)]
    chosen = pick(
        t("What to do"),
        "view",
        own,
        show=lambda code: t(_VIEWS[PaperTab(code)][0]),
        language=page.language,
        as_buttons=True,
    )
    return PaperTab(chosen)


def draw_tab(page: PageContext, view: PaperTab) -> None:
    _VIEWS[view][2](page)
