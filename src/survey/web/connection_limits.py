"""How much one address and one session may ask for at the same time, counted in this process."""

import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

MAX_TRACKED_KEYS = 20_000


class TooManyConnectionsError(Exception):
    """One more would be above the limit."""


@dataclass
class ConnectionCount:
    """How many connections of each name are open; at most `most` of them, 0: no limit."""

    max_open: int
    _open: Counter[Hashable] = field(default_factory=Counter)

    @contextmanager
    def count_connection(self, name: Hashable) -> Iterator[None]:
        """One more until the block ends. Raises `TooManyConnectionsError`."""
        if 0 < self.max_open <= self._open[name]:
            raise TooManyConnectionsError
        self._open[name] += 1
        try:
            yield
        finally:
            self._open[name] -= 1
            if not self._open[name]:
                del self._open[name]


@dataclass
class TokenBucket:
    """At most `per_second` of each name, in bursts of so many seconds' worth; 0: no limit."""

    per_second: float
    burst_seconds: float = 8.0
    clock: Callable[[], float] = time.monotonic
    _scheduled_until: OrderedDict[Hashable, float] = field(default_factory=OrderedDict)

    def wait(self, name: Hashable, turns: int = 1, longest: float = math.inf) -> float:
        """Take turns; the seconds until they come. Nothing is taken that comes after `longest`."""
        if self.per_second <= 0:
            return 0.0
        now = self.clock()
        # When everything taken so far has been worked off at the steady pace.
        before = max(self._scheduled_until.get(name, now), now)
        through = before + turns / self.per_second
        seconds = max(0.0, through - now - self.burst_seconds)
        if seconds <= longest:
            self._scheduled_until[name] = through
            self._scheduled_until.move_to_end(name)
            if len(self._scheduled_until) > MAX_TRACKED_KEYS:
                self._scheduled_until.popitem(last=False)
        return seconds
