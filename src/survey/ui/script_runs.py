"""Limit on the number of pages that are drawn at the same time."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

from survey.settings import current_settings
from survey.ui import current_principal

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
    with get_script_run_limit().turn(current_principal.session_cookie()):
        yield
