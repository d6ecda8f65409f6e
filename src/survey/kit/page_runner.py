"""Runner of all pages: access, frame, body, slots for drawing, cached reads, error notices."""

import logging
import operator
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache, wraps
from typing import Any, Literal, ParamSpec, TypeVar, cast
from urllib.parse import urlencode

import streamlit as st
from sqlmodel import Session

from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import ROLES, Action
from survey.access.work import Work
from survey.figures.charts import ChartStyle
from survey.kit import page_frame, viewer
from survey.kit.navigation import PAGES_BY_KEY, PageKey, list_neighbours, may_open
from survey.kit.viewer import Preferences, find_current_principal, get_preferences
from survey.locale import SurveyError, Translator, translator
from survey.observe.logs import current_request_id, new_request_id, request_id_scope
from survey.observe.metrics import FAILURES, PAGE_SECONDS
from survey.settings import Settings, current_settings
from survey.store.engine import read_scope
from survey.store.read_replica import LateReading, read_from_replica
from survey.store.tables import now
from survey.store.transactions import UNAVAILABLE_ERRORS

MAX_COUNTED_SECONDS = 5.0
"""A run of longer than this (freezing, importing) no longer keeps others from theirs."""


class ScriptRunLimit:
    """Limit on threads that draw pages at once: `most` in all, `most_each` for one session."""

    def __init__(
        self, most: int, most_each: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_runs, self._max_runs_per_session, self._clock = most, most_each, clock
        self._changed = threading.Condition()
        self._running: dict[int, tuple[str | None, float]] = {}

    @contextmanager
    def turn(self, who: str | None) -> Iterator[None]:
        """Wait until session `who` may draw; count its thread while the block runs, once only."""
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
        """Return the most seconds until session `who` may draw; 0 if it may now."""
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
    """Return this process's limit on threads that draw pages, created at the first call."""
    settings = current_settings()
    return ScriptRunLimit(settings.page_runs_at_once, settings.page_runs_per_session)


@contextmanager
def script_run_slot() -> Iterator[None]:
    """Wait until this session may draw (`ScriptRunLimit`), and count as drawing in the block."""
    with get_script_run_limit().turn(viewer.session_cookie()):
        yield


_LOG = logging.getLogger(__name__)
_ICON = "\N{BAR CHART}"
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class ViewerContext:
    """Settings of the process, and language and text size of the viewer."""

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


class Presses:
    """The last press of a button of one drawn page that succeeded, and its result.

    The second press of a double click comes with the very objects that the button was drawn with.
    Streamlit handles it in a thread of its own while the first is still being handled, and stops
    that one wherever it next touches the state of its session: after its commit, before its
    success is said. So the second waits for the first, and gets its result.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._drawn: tuple[object, ...] = ()
        self._result: object = None

    def handle(self, drawn: Sequence[object], change: Callable[[], T]) -> T:
        """Return the result of `change`, or that of the last press if it came with `drawn` too."""
        if not drawn:
            return change()
        with self._lock:
            same = len(drawn) == len(self._drawn)
            if not same or not all(map(operator.is_, drawn, self._drawn)):
                self._result = change()
                self._drawn = tuple(drawn)
            return cast(T, self._result)


@dataclass(frozen=True)
class PageContext:
    """What a page is drawn for: viewer, principal, required action and key of the page."""

    viewer: ViewerContext
    principal: Principal
    action: Action | None = None
    """Action that the page requires, also for files that are downloaded from it."""
    key: str = ""
    """Key of the page; messages to it are kept under this name."""
    presses: Presses = field(default_factory=Presses, compare=False)

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
        """Return a `Work` of the page's principal: `session`, the time now and the settings."""
        return Work(session, self.principal, now(), self.settings)

    @contextmanager
    def read(self) -> Iterator[Work]:
        """Yield a `Work` of the page's principal in a session that only reads."""
        with read_scope(self.settings.store_url) as session:
            yield self.work(session)

    def read_late(self, read: Callable[[Work], T]) -> LateReading[T]:
        """Return what `read` gives on a replica: perhaps seconds late, but with own changes."""
        return read_from_replica(
            self.settings,
            lambda session: read(self.work(session)),
            reader=self.principal.account_id,
        )

    def address(self, key: PageKey, **filters: str) -> str:
        """Return the address of a page with filters, in this viewer's language and text size."""
        carried = self.viewer.preferences.query(self.settings.language)
        query = urlencode(carried | filters)
        return f"/{PAGES_BY_KEY[key].url}" + (f"?{query}" if query else "")


def run_page(key: PageKey, body: Callable[[PageContext], None]) -> None:
    """Draw a page for principals with the right to it; for others, a notice in its place."""

    def guarded(viewer: ViewerContext, principal: Principal | None) -> None:
        if principal is None:
            page_frame.draw_notice(
                viewer.t("Please sign in first"),
                viewer.t(
                    "This page is for people who work on the survey. A link alone does not open it."
                ),
                link=_sign_in_link(viewer, key),
                is_whole_page=True,
            )
        elif not may_open(PAGES_BY_KEY[key], principal):
            page_frame.draw_notice(
                viewer.t("This page is not part of your role"),
                viewer.t("You are signed in, but with a role that does not include this page."),
                link=("/", viewer.t("To the start page")),
                is_whole_page=True,
            )
        else:
            title = viewer.t(PAGES_BY_KEY[key].title)
            # A page with a wave sets its own again, which names the wave.
            page_frame.draw_print_footer(viewer.t, title)
            st.title(title, anchor=False)
            _draw_neighbours(viewer.t, key, principal)
            body(PageContext(viewer, principal, PAGES_BY_KEY[key].action, key))

    run_public_page(key, guarded)


def _draw_neighbours(t: Translator, key: PageKey, principal: Principal) -> None:
    """Draw links to the pages that share a menu entry with page `key`, if there are any."""
    pages = list_neighbours(key, principal)
    if pages:
        row = st.container(horizontal=True, key="neighbours")
        for page in pages:
            is_open = page.key is key
            place = row.container(key="open-neighbour", width="content") if is_open else row
            place.page_link(page.path, label=t(page.title))


def run_public_page(key: PageKey, body: Callable[[ViewerContext, Principal | None], None]) -> None:
    """Draw a page that anybody may open; `body` gets the signed-in principal or None."""
    with request_id_scope(new_request_id()), PAGE_SECONDS.labels(key).time():
        _run_with_viewer(key, body)


def _run_with_viewer(key: PageKey, body: Callable[[ViewerContext, Principal | None], None]) -> None:
    settings = current_settings()
    viewer = ViewerContext(settings, get_preferences(settings.language))
    page = PAGES_BY_KEY[key]
    platform = viewer.t("Hundred Cities Survey")
    st.set_page_config(
        page_title=f"{viewer.t(page.title)} · {platform}", page_icon=_ICON, layout="wide"
    )
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


def format_person(t: Translator, principal: Principal) -> str:
    """Return name and role of a signed-in principal; visitors of a demonstration have no name."""
    name = t("Demo visitor") if principal.is_demo else principal.name
    return f"{name} · {t(ROLES[principal.role].name)}"


def _sign_in_link(viewer: ViewerContext, key: PageKey) -> tuple[str, str]:
    """Return address and label of the link to sign in, after which the page opens again."""
    if viewer.settings.demo:
        return "/", viewer.t("To the start page")
    return f"/auth/login?next=/{PAGES_BY_KEY[key].url}", viewer.t("Sign in")


@contextmanager
def _show_errors(t: Translator) -> Iterator[None]:
    """Run the block and draw a notice for an error; log unexpected ones under a number."""
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
    """Return a decorator like `st.fragment` that counts in the limit of runs and draws errors.

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
    """Open a dialog over the page, drawn by `draw`; it counts as a run and draws errors as notices.

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


def read_cached(page: PageContext, read: Callable[[Work], T], what: str, *asked: object) -> T:
    """Return what `read` gives, cached 15 s under key `what` for all readers with the same rights.

    It is kept by `what`, `asked`, role, area and demo mark: what depends on the account is not
    read here. The value is shared between readers: it is not changed.
    """

    def read_now() -> T:
        with page.read() as work:
            return read(work)

    value: T = _keep((*_build_reader_key(page), what, *asked), read_now)
    return value


def read_cached_late(
    page: PageContext, read: Callable[[Work], T], what: str, *asked: object
) -> LateReading[T]:
    """Return what `read` gives on a replica, with its time, cached 15 s under `what` by rights."""

    def read_late() -> LateReading[T]:
        return read_from_replica(page.settings, lambda session: read(page.work(session)))

    reading: LateReading[T] = _keep((*_build_reader_key(page), what, *asked), read_late)
    return reading


def _build_reader_key(page: PageContext) -> tuple[object, ...]:
    """Return store, role, area and demo mark; readers equal in all four may see the same data."""
    principal = page.principal
    return (page.settings.store_url, principal.role, principal.area, principal.is_demo)


@st.cache_resource(ttl=_KEPT_SECONDS, max_entries=256, show_spinner=False)
def _keep(key: tuple[Any, ...], _read: Callable[[], Any]) -> Any:
    del key
    return _read()
