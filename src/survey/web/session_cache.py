"""Which browser sessions are open, asked of the store at most every few seconds for each."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from anyio import CapacityLimiter, to_thread

from survey.access.principal import Principal
from survey.access.sessions import find_principal
from survey.access.tokens import MAX_TOKEN_CHARS, digest
from survey.store.engine import read_scope
from survey.store.tables import now

FRESH_SECONDS = 2.0
"""How long an answer of the store counts. Pages and services ask the store themselves each time:
this only decides who may keep a line open."""
MAX_CONCURRENT_LOOK_UPS = 4
"""Of the threads that the public form uses as well, so many at most."""
MAX_CACHED_SESSIONS = 5_000


@dataclass
class SessionCache:
    """Whose session a secret opens. Looking does not keep a session from becoming idle."""

    store_url: str
    clock: Callable[[], float] = time.monotonic
    _cached: OrderedDict[str, tuple[Principal, float]] = field(default_factory=OrderedDict)
    _threads: CapacityLimiter | None = None

    async def get_principal(self, secret: str | None, *, fresh: bool = False) -> Principal | None:
        """The signed-in person; only a session that is open is remembered.

        With `fresh` the store is asked in any case.
        """
        if not secret or len(secret) > MAX_TOKEN_CHARS:
            return None
        key = digest(secret)
        known = self._cached.get(key)
        if not fresh and known is not None and self.clock() - known[1] < FRESH_SECONDS:
            return known[0]
        if self._threads is None:
            # Made within the event loop that it belongs to.
            self._threads = CapacityLimiter(MAX_CONCURRENT_LOOK_UPS)
        person = await to_thread.run_sync(partial(self._look_up, secret), limiter=self._threads)
        self._cached.pop(key, None)
        if person is not None:
            self._cached[key] = (person, self.clock())
            if len(self._cached) > MAX_CACHED_SESSIONS:
                self._cached.popitem(last=False)
        return person

    def _look_up(self, secret: str) -> Principal | None:
        with read_scope(self.store_url) as session:
            return find_principal(session=session, secret=secret, now=now())
