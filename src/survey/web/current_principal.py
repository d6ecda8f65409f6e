"""Principal of a browser session: the cookie holds a secret, the store knows whose it is."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from survey.access.principal import Principal
from survey.access.secret_hashes import MAX_TOKEN_CHARS, digest
from survey.access.sessions import COOKIE, authenticate_session, find_principal
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import now

CACHE_SECONDS = 2.0
"""How long an answer of the store counts. Pages and services ask the store themselves each time:
the cache only decides which sockets stay open."""
MAX_CONCURRENT_LOOK_UPS = 4
"""Look-ups share their threads with the public form, so they use only some of them."""
MAX_CACHED_SESSIONS = 5_000


def find_current_principal(request: Request, settings: Settings) -> Principal | None:
    """Return the signed-in principal and extend the session, or None without a session."""
    secret = request.cookies.get(COOKIE)
    return authenticate_session(settings.store_url, secret, now(), demo=settings.demo)


@dataclass
class SessionCache:
    """Principals of open sessions, looked up at most every few seconds for each session.

    Looking up does not extend a session.
    """

    store_url: str
    demo: bool
    """Whether sessions of demo accounts are taken."""
    clock: Callable[[], float] = time.monotonic
    _cached: OrderedDict[str, tuple[Principal, float]] = field(default_factory=OrderedDict)
    _threads: CapacityLimiter | None = None

    async def get_principal(self, secret: str | None, *, fresh: bool = False) -> Principal | None:
        """Return the principal of an open session, or None; only open sessions are cached.

        Args:
            secret: Secret in the session's cookie.
            fresh: Ask the store although there is a cached answer.
        """
        if not secret or len(secret) > MAX_TOKEN_CHARS:
            return None
        key = digest(secret)
        known = self._cached.get(key)
        if not fresh and known is not None and self.clock() - known[1] < CACHE_SECONDS:
            return known[0]
        if self._threads is None:
            # A limiter belongs to the event loop in which it is created.
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
            return find_principal(session=session, secret=secret, now=now(), demo=self.demo)
