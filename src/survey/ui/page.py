"""The one way a page runs: guard first, then its frame, then its body, and errors in words."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec

import streamlit as st

from survey.access.principal import AccessDenied, Action, Principal
from survey.locale import SurveyError, Translator, translator
from survey.observe.metrics import FAILURES, PAGE_SECONDS
from survey.observe.request import current_number, new_number, numbered
from survey.publish.charts import Style
from survey.settings import Settings, current_settings
from survey.store.unavailable import UNAVAILABLE
from survey.ui import furniture
from survey.ui.navigation import BY_KEY, PageInfo, PageKey, may_open
from survey.ui.preferences import Preferences, current
from survey.ui.roles import NAMES
from survey.ui.script_runs import page_turn
from survey.ui.session import visitor

_LOG = logging.getLogger(__name__)
_ICON = "\N{BAR CHART}"
P = ParamSpec("P")


@dataclass(frozen=True)
class Screen:
    """One reader's screen: settings of the process, wishes of the reader."""

    settings: Settings
    preferences: Preferences

    @property
    def language(self) -> str:
        return self.preferences.language

    @property
    def style(self) -> Style:
        return self.preferences.style

    @property
    def t(self) -> Translator:
        return translator(self.preferences.language)


@dataclass(frozen=True)
class Visit:
    """A signed-in person on a page that is open to them."""

    screen: Screen
    principal: Principal
    action: Action | None = None
    """The right that the page takes, and with it whatever is fetched from it."""

    @property
    def settings(self) -> Settings:
        return self.screen.settings

    @property
    def language(self) -> str:
        return self.screen.language

    @property
    def style(self) -> Style:
        return self.screen.style

    @property
    def t(self) -> Translator:
        return self.screen.t


def run_page(key: PageKey, body: Callable[[Visit], None]) -> None:
    """Run a page that needs a right; without it the page refuses politely, in place."""

    def guarded(screen: Screen, principal: Principal | None) -> None:
        if principal is None:
            _ask_to_sign_in(screen, key)
        elif not may_open(BY_KEY[key], principal):
            _refuse(screen.t)
        else:
            st.title(screen.t(BY_KEY[key].title), anchor=False)
            body(Visit(screen, principal, BY_KEY[key].action))

    run_open_page(key, guarded)


def run_open_page(key: PageKey, body: Callable[[Screen, Principal | None], None]) -> None:
    """Run a page that anybody may open; `body` is told who looks, if anybody is signed in."""
    with numbered(new_number()), PAGE_SECONDS.labels(key).time():
        _run(key, body)


def _run(key: PageKey, body: Callable[[Screen, Principal | None], None]) -> None:
    settings = current_settings()
    screen = Screen(settings, current(settings.language))
    page = BY_KEY[key]
    st.set_page_config(page_title=_tab_title(screen.t, page), page_icon=_ICON, layout="wide")
    with _errors_in_words(screen.t):
        principal = visitor(settings)
        demo = settings.demo or (principal is not None and principal.is_demo)
        furniture.dress(screen.preferences, screen.t, demo=demo)
        furniture.head(
            screen.preferences,
            screen.t,
            demo=demo,
            person=_person(screen.t, principal),
            own_account=principal is not None and not principal.is_demo,
            default_language=settings.language,
        )
        with _errors_in_words(screen.t):
            body(screen, principal)
        furniture.foot(screen.t, demo=demo)


def _tab_title(t: Translator, page: PageInfo) -> str:
    platform = t("Hundred Cities Survey")
    return f"{t(page.title)} · {platform}"


def _person(t: Translator, principal: Principal | None) -> str:
    return f"{principal.name} · {t(NAMES[principal.role])}" if principal else ""


def _ask_to_sign_in(screen: Screen, key: PageKey) -> None:
    t = screen.t
    furniture.notice(
        t("Please sign in first"),
        t("This page is for people who work on the survey. A link alone does not open it."),
        link=_way_in(screen, key),
    )


def _way_in(screen: Screen, key: PageKey) -> tuple[str, str]:
    """To the roles of a demonstration, else to the sign-in page, which leads back here."""
    if screen.settings.demo:
        return "/", screen.t("To the start page")
    return f"/auth/login?next=/{BY_KEY[key].url}", screen.t("Sign in")


def _refuse(t: Translator) -> None:
    furniture.notice(
        t("This page is not part of your role"),
        t("You are signed in, but with a role that does not include this page."),
        link=("/", t("To the start page")),
    )


@contextmanager
def _errors_in_words(t: Translator) -> Iterator[None]:
    """Say what happened and what to do; what a person cannot mend is logged under a number."""
    try:
        yield
    except AccessDenied as error:
        furniture.notice(t("This is not open to you"), t(error.message))
    except SurveyError as error:
        furniture.notice(t("This cannot be shown"), t(error.message))
    except UNAVAILABLE:
        _LOG.exception("the store does not answer")
        furniture.notice(
            t("The database cannot be reached at the moment"),
            t("What was confirmed before is stored. Nothing was changed now."),
            t("Please wait a minute and load the page again."),
        )
    except Exception:
        FAILURES.labels("page").inc()
        _LOG.exception("page failed")
        furniture.notice(
            t("Something went wrong on our side"),
            t("Nothing you entered was changed. Please reload the page."),
            t("If it happens again, tell the administrator this number: {number}",
              number=current_number()),
        )  # fmt: skip


def fragment(*, run_every: float | None = None) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """As `st.fragment`, with errors in words: a fragment that runs alone is outside of its page.

    The first argument of the function is the `Visit`.
    """

    def wrap(draw: Callable[P, None]) -> Callable[P, None]:
        @st.fragment(run_every=run_every)
        @wraps(draw)
        def in_words(*args: P.args, **kwargs: P.kwargs) -> None:
            visit = args[0]
            assert isinstance(visit, Visit)
            # Run alone, it is not within the turn of its page.
            with (
                page_turn(),
                numbered(current_number() or new_number()),
                _errors_in_words(visit.t),
            ):
                draw(*args, **kwargs)

        return in_words

    return wrap
