"""How many pages are drawn at the same time: one core cannot draw more, but everybody waits."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

from survey.settings import current_settings
from survey.ui import session

COUNTED_SECONDS = 5.0
"""A run of longer than this (freezing, importing) no longer keeps others from theirs."""


class ScriptRuns:
    """Turns for threads that draw pages: `most` at the same time, `most_each` for one session."""

    def __init__(
        self, most: int, most_each: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._most_each, self._clock = most, most_each, clock
        self._changed = threading.Condition()
        self._running: dict[int, tuple[str | None, float]] = {}

    @contextmanager
    def turn(self, who: str | None) -> Iterator[None]:
        """Wait until it is this session's turn; within a turn there is nothing to wait for."""
        thread = threading.get_ident()
        if thread in self._running or not self._most:
            yield
            return
        with self._changed:
            while (wait := self._wait(who)) > 0:
                self._changed.wait(wait)
            self._running[thread] = (who, self._clock())
        try:
            yield
        finally:
            with self._changed:
                del self._running[thread]
                self._changed.notify_all()

    def _wait(self, who: str | None) -> float:
        """At most so many seconds until there is a turn; 0: now."""
        now = self._clock()
        counted = [
            (each, since) for each, since in self._running.values() if now - since < COUNTED_SECONDS
        ]
        own = [since for each, since in counted if each == who]
        if len(counted) < self._most and len(own) < self._most_each:
            return 0.0
        return COUNTED_SECONDS - (now - min(since for _, since in counted))


@lru_cache(maxsize=1)
def script_runs() -> ScriptRuns:
    """The turns of this process."""
    settings = current_settings()
    return ScriptRuns(settings.page_runs_at_once, settings.page_runs_per_session)


@contextmanager
def page_turn() -> Iterator[None]:
    """The turn of whoever looks at the page that is drawn now."""
    with script_runs().turn(session.browser_secret()):
        yield
