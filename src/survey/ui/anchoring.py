"""The newest seal of the audit trail goes into the log, where the database's owner cannot reach it
(docs/audit.md)."""

import asyncio
import logging

from anyio import to_thread

from survey.access.audit_verify import ANCHOR, Anchor, newest_seal
from survey.observe.logs import event_log
from survey.observe.metrics import AUDIT_ENTRIES
from survey.settings import Settings
from survey.store.engine import read_scope

ANCHOR_EVERY = 600.0
"""Seconds: what is cut off the trail sooner than this cannot be noticed."""
_LOG = logging.getLogger(__name__)
_EVENTS = event_log(__name__)


async def keep_anchoring(settings: Settings, every: float = ANCHOR_EVERY) -> None:
    """Until it is cancelled: whenever the trail has grown, write its newest seal down."""
    last: Anchor | None = None
    while True:
        try:
            last = await to_thread.run_sync(write_anchor, settings, last)
        except Exception:
            # The store may be away for a moment; the next round asks again.
            _LOG.exception("the newest seal could not be written down")
        await asyncio.sleep(every)


def write_anchor(settings: Settings, last: Anchor | None) -> Anchor | None:
    """Log the newest seal unless it is `last`; returns it."""
    with read_scope(settings.store_url) as session:
        newest = newest_seal(session=session)
    if newest is not None:
        AUDIT_ENTRIES.set(newest.sequence)
        if newest != last:
            _EVENTS.info(ANCHOR, sequence=newest.sequence, hash=newest.hash)
    return newest
