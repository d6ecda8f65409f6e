"""Limits per address and per session, counted in this process."""

import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

MAX_TRACKED_KEYS = 20_000
_ROUNDING_SECONDS = 1e-6
"""Adding up many turns leaves errors of this size at most."""


class TooManyConnectionsError(Exception):
    """Raised when one connection more would exceed the limit."""


@dataclass
class ConnectionCount:
    """Number of open connections per key, at most `max_open` of each; 0 means no limit."""

    max_open: int
    _open: Counter[Hashable] = field(default_factory=Counter)

    @contextmanager
    def count_connection(self, key: Hashable) -> Iterator[None]:
        """Count one connection for the duration of the block.

        Raises:
            TooManyConnectionsError: `max_open` connections of `key` are open already.
        """
        if 0 < self.max_open <= self._open[key]:
            raise TooManyConnectionsError
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]


@dataclass
class RateLimit:
    """Token bucket per key: `per_second` turns, in bursts of `burst_seconds`; 0 means no limit."""

    per_second: float
    burst_seconds: float = 8.0
    clock: Callable[[], float] = time.monotonic
    _scheduled_until: OrderedDict[Hashable, float] = field(default_factory=OrderedDict)

    @classmethod
    def per_minute(cls, turns: int, clock: Callable[[], float] = time.monotonic) -> "RateLimit":
        """Return a limit of `turns` a minute, which may be used up at once."""
        return cls(turns / 60, 60.0, clock)

    def seconds_until_allowed(self, key: Hashable) -> float:
        """Use one turn and return 0, or return the seconds until there is one again."""
        return self.reserve(key, max_wait=0.0)

    def reserve(self, key: Hashable, turns: int = 1, max_wait: float = math.inf) -> float:
        """Reserve the next turns and return the seconds until they come.

        Nothing is reserved when they come later than in `max_wait` seconds.
        """
        if self.per_second <= 0:
            return 0.0
        now = self.clock()
        # The time at which everything reserved so far is worked off at the steady pace.
        before = max(self._scheduled_until.get(key, now), now)
        through = before + turns / self.per_second
        seconds = through - now - self.burst_seconds
        if seconds <= _ROUNDING_SECONDS:
            seconds = 0.0
        if seconds <= max_wait:
            self._scheduled_until[key] = through
        if key in self._scheduled_until:
            self._scheduled_until.move_to_end(key)
        if len(self._scheduled_until) > MAX_TRACKED_KEYS:
            self._scheduled_until.popitem(last=False)
        return seconds
