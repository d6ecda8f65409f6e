"""Runner of all pages: access check, frame, body, pace, readings kept, errors in words."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Any, Literal, ParamSpec, TypeVar
from urllib.parse import urlencode

import streamlit as st
from sqlmodel import Session

from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import ROLES, Action
from survey.access.work import Work
from survey.figures.charts import ChartStyle
from survey.kit import page_frame, viewer
from survey.kit.navigation import PAGES_BY_KEY, PageInfo, PageKey, may_open
from survey.kit.viewer import Preferences, find_current_principal, get_preferences
from survey.locale import SurveyError, Translator, translator
from survey.observe.logs import current_request_id, new_request_id, request_id_scope
from survey.observe.metrics import FAILURES, PAGE_SECONDS
from survey.settings import Settings, current_settings
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.store.transactions import UNAVAILABLE_ERRORS

MAX_COUNTED_SECONDS = 5.0
"""A run of longer than this (freezing, importing) no longer keeps others from theirs."""


class ScriptRunLimit:
    """Slots for threads that draw pages: `most` in all, `most_each` for one session."""

    def __init__(
        self, most: int, most_each: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_runs, self._max_runs_per_session, self._clock = most, most_each, clock
        self._changed = threading.Condition()
        self._running: dict[int, tuple[str | None, float]] = {}

    @contextmanager
    def turn(self, who: str | None) -> Iterator[None]:
        """Wait until it is this session's turn; within a turn there is nothing to wait for."""
        thread = threading.get_ident()
        if thread in self._running or not self._max_runs:
            yield
            return
        with self._changed:
            while (wait := self._estimate_wait_seconds(who)) > 0:
                self._changed.wait(wait)
            self._running[thread] = (who, self._clock())
        try:
            yield
        finally:
            with self._changed:
                del self._running[thread]
                self._changed.notify_all()

    def _estimate_wait_seconds(self, who: str | None) -> float:
        """Return the longest time until a slot is free; 0 if one is free now."""
        now = self._clock()
        counted = [
            (each, since)
            for each, since in self._running.values()
            if now - since < MAX_COUNTED_SECONDS
        ]
        own = [since for each, since in counted if each == who]
        if len(counted) < self._max_runs and len(own) < self._max_runs_per_session:
            return 0.0
        return MAX_COUNTED_SECONDS - (now - min(since for _, since in counted))


@lru_cache(maxsize=1)
def get_script_run_limit() -> ScriptRunLimit:
    """Return the slots of this process."""
    settings = current_settings()
    return ScriptRunLimit(settings.page_runs_at_once, settings.page_runs_per_session)


@contextmanager
def script_run_slot() -> Iterator[None]:
    """Hold a slot while the page of the current session is drawn."""
    with get_script_run_limit().turn(viewer.session_cookie()):
        yield


_LOG = logging.getLogger(__name__)
_ICON = "\N{BAR CHART}"
P = ParamSpec("P")


@dataclass(frozen=True)
class ViewerContext:
    """Settings of the process and preferences of the viewer."""

    settings: Settings
    preferences: Preferences

    @property
    def language(self) -> str:
        return self.preferences.language

    @property
    def style(self) -> ChartStyle:
        return self.preferences.style

    @property
    def t(self) -> Translator:
        return translator(self.preferences.language)


@dataclass(frozen=True)
class PageContext:
    """Viewer, principal and page that a page body is drawn for."""

    viewer: ViewerContext
    principal: Principal
    action: Action | None = None
    """Action that the page requires, also for files that are downloaded from it."""
    key: str = ""
    """Key of the page; messages to it are kept under this name."""

    @property
    def settings(self) -> Settings:
        return self.viewer.settings

    @property
    def language(self) -> str:
        return self.viewer.language

    @property
    def style(self) -> ChartStyle:
        return self.viewer.style

    @property
    def t(self) -> Translator:
        return self.viewer.t

    def work(self, session: Session) -> Work:
        """Return the work of the principal whom this page is drawn for, at this moment."""
        return Work(session, self.principal, now(), self.settings)

    @contextmanager
    def read(self) -> Iterator[Work]:
        """Yield the work of the principal in a session that reads only."""
        with read_scope(self.settings.store_url) as session:
            yield self.work(session)

    def address(self, key: PageKey, **filters: str) -> str:
        """Return the address of a page with filters, in this viewer's language and text size."""
        carried = self.viewer.preferences.query(self.settings.language)
        query = urlencode(carried | filters)
        return f"/{PAGES_BY_KEY[key].url}" + (f"?{query}" if query else "")


def run_page(key: PageKey, body: Callable[[PageContext], None]) -> None:
    """Run a page that needs a right; without it the page refuses politely, in place."""

    def guarded(viewer: ViewerContext, principal: Principal | None) -> None:
        if principal is None:
            _ask_to_sign_in(viewer, key)
        elif not may_open(PAGES_BY_KEY[key], principal):
            _draw_access_denied(viewer.t)
        else:
            title = viewer.t(PAGES_BY_KEY[key].title)
            # A page with a wave sets its own again, which names the wave.
            page_frame.draw_print_footer(viewer.t, title)
            st.title(title, anchor=False)
            body(PageContext(viewer, principal, PAGES_BY_KEY[key].action, key))

    run_public_page(key, guarded)


def run_public_page(key: PageKey, body: Callable[[ViewerContext, Principal | None], None]) -> None:
    """Run a page that anybody may open; `body` is told who looks, if anybody is signed in."""
    with request_id_scope(new_request_id()), PAGE_SECONDS.labels(key).time():
        _run_with_viewer(key, body)


def _run_with_viewer(key: PageKey, body: Callable[[ViewerContext, Principal | None], None]) -> None:
    settings = current_settings()
    viewer = ViewerContext(settings, get_preferences(settings.language))
    page = PAGES_BY_KEY[key]
    st.set_page_config(page_title=_format_tab_title(viewer.t, page), page_icon=_ICON, layout="wide")
    with _show_errors(viewer.t):
        principal = find_current_principal(settings)
        demo = settings.demo or (principal is not None and principal.is_demo)
        page_frame.inject_styles(viewer.preferences, viewer.t, demo=demo)
        page_frame.draw_header(
            viewer.preferences,
            viewer.t,
            demo=demo,
            person=format_person(viewer.t, principal) if principal else "",
            own_account=principal is not None and not principal.is_demo,
            default_language=settings.language,
        )
        if settings.demo:
            page_frame.draw_demo_progress(settings, viewer.t)
        with _show_errors(viewer.t):
            body(viewer, principal)
        page_frame.draw_footer(viewer.t, demo=demo)


def _format_tab_title(t: Translator, page: PageInfo) -> str:
    platform = t("Hundred Cities Survey")
    return f"{t(page.title)} · {platform}"


def format_person(t: Translator, principal: Principal) -> str:
    """Return name and role of who is signed in; visitors of a demonstration have no name."""
    name = t("Demo visitor") if principal.is_demo else principal.name
    return f"{name} · {t(ROLES[principal.role].name)}"


def _ask_to_sign_in(viewer: ViewerContext, key: PageKey) -> None:
    t = viewer.t
    page_frame.draw_notice(
        t("Please sign in first"),
        t("This page is for people who work on the survey. A link alone does not open it."),
        link=_sign_in_link(viewer, key),
        is_whole_page=True,
    )


def _sign_in_link(viewer: ViewerContext, key: PageKey) -> tuple[str, str]:
    """Return target and label of the link to sign in, which leads back to the page."""
    if viewer.settings.demo:
        return "/", viewer.t("To the start page")
    return f"/auth/login?next=/{PAGES_BY_KEY[key].url}", viewer.t("Sign in")


def _draw_access_denied(t: Translator) -> None:
    page_frame.draw_notice(
        t("This page is not part of your role"),
        t("You are signed in, but with a role that does not include this page."),
        link=("/", t("To the start page")),
        is_whole_page=True,
    )


@contextmanager
def _show_errors(t: Translator) -> Iterator[None]:
    """Draw a notice for an error of the block; unexpected ones are logged under a number."""
    try:
        yield
    except AccessDeniedError as error:
        page_frame.draw_notice(t("This is not open to you"), t(error.message))
    except SurveyError as error:
        page_frame.draw_notice(t("This cannot be shown"), t(error.message))
    except UNAVAILABLE_ERRORS:
        _LOG.exception("the store does not answer")
        page_frame.draw_notice(
            t("The database cannot be reached at the moment"),
            t("What was confirmed before is stored. Nothing was changed now."),
            t("Please wait a minute and load the page again."),
        )
    except Exception:
        FAILURES.labels("page").inc()
        _LOG.exception("page failed")
        page_frame.draw_notice(*unexpected_error_text(t))


def unexpected_error_text(t: Translator) -> tuple[str, ...]:
    """Return title and paragraphs of the notice about an unexpected error, with its number."""
    return (
        t("Something went wrong on our side"),
        t("Nothing you entered was changed. Please reload the page."),
        t(
            "If it happens again, tell the administrator this number: {number}",
            number=current_request_id(),
        ),
    )


def page_fragment(
    *, run_every: float | None = None
) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Decorate a function as `st.fragment` with errors in words: it may run without its page.

    The first argument of the function is the `PageContext`.
    """

    def wrap(draw: Callable[P, None]) -> Callable[P, None]:
        @st.fragment(run_every=run_every)
        @wraps(draw)
        def in_words(*args: P.args, **kwargs: P.kwargs) -> None:
            page = args[0]
            assert isinstance(page, PageContext)
            # Run alone, it is not within the turn of its page.
            with (
                script_run_slot(),
                request_id_scope(current_request_id() or new_request_id()),
                _show_errors(page.t),
            ):
                draw(*args, **kwargs)

        return in_words

    return wrap


def open_dialog(
    page: PageContext,
    title: str,
    draw: Callable[[], None],
    *,
    on_dismiss: Literal["ignore", "rerun"] = "ignore",
) -> None:
    """Open a dialog over the page, with errors in words: it runs again without its page.

    Args:
        on_dismiss: Whether the page is drawn again when somebody closes the dialog.
    """

    @st.dialog(title, width="medium", on_dismiss=on_dismiss)
    def in_words() -> None:
        with (
            script_run_slot(),
            request_id_scope(current_request_id() or new_request_id()),
            _show_errors(page.t),
        ):
            draw()

    in_words()


_KEPT_SECONDS = 15.0
"""Until a page notices a delivery, a release or new interviews."""
_Value = TypeVar("_Value")


def read_cached(page: PageContext, read: Callable[[], _Value], what: str, *asked: object) -> _Value:
    """Return what `read` returns, kept by what was asked and by what a reader may see.

    The value is shared between readers: it is not changed.
    """
    principal = page.principal
    reach = (page.settings.store_url, principal.role, principal.area, principal.is_demo)
    value: _Value = _keep((*reach, what, *asked), read)
    return value


@st.cache_resource(ttl=_KEPT_SECONDS, max_entries=256, show_spinner=False)
def _keep(key: tuple[Any, ...], _read: Callable[[], Any]) -> Any:
    del key
    return _read()
