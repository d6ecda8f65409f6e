"""Recognising a signed-in browser, and keeping its session awake while it is used."""

import logging
from datetime import datetime

from survey.access.principal import Principal
from survey.access.sessions import look_up, renew
from survey.store.engine import read_scope, session_scope
from survey.store.unavailable import UNAVAILABLE

_LOG = logging.getLogger(__name__)


def recognise(url: str, secret: str | None, now: datetime) -> Principal | None:
    """Whose browser this is. Writes at most once a minute and session, and never fails by it."""
    if not secret:
        return None
    with read_scope(url) as session:
        seen = look_up(session=session, secret=secret, now=now)
    if seen is None:
        return None
    if seen.is_due:
        try:
            with session_scope(url) as session:
                renew(session=session, secret=secret, now=now)
        except UNAVAILABLE:
            _LOG.warning("a session could not be renewed: the store takes nothing in")
    return seen.principal
