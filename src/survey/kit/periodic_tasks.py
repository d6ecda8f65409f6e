"""Periodic background tasks: anchors of the audit trail, quality and audits, data retention.

The newest seal of the audit trail goes into the log, where the database's owner cannot reach it
(docs/audit.md).
"""

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from datetime import datetime

from anyio import to_thread
from sqlmodel import Session

from survey.access.audit_verify import ANCHOR, Anchor, get_latest_anchor
from survey.collection.retention import clean_up_when_due
from survey.collection.retention import is_due as cleaning_is_due
from survey.observe.logs import event_logger
from survey.observe.metrics import AUDIT_SEQUENCE
from survey.results.whole_audits import is_audit_due
from survey.review.quality.assessment import is_assessment_due
from survey.settings import Settings
from survey.snapshots.snapshot_files import remove_old_unfinished
from survey.store.engine import read_scope
from survey.store.private_files import remove_unfinished_work
from survey.store.tables import now

ANCHOR_INTERVAL_SECONDS = 600.0
"""Seconds: what is cut off the trail sooner than this cannot be noticed."""
_LOG = logging.getLogger(__name__)
_EVENTS = event_logger(__name__)


async def run_anchor_loop(settings: Settings, every: float = ANCHOR_INTERVAL_SECONDS) -> None:
    """Log the newest audit seal periodically until cancelled."""
    last: Anchor | None = None
    while True:
        try:
            last = await to_thread.run_sync(log_anchor, settings, last)
        except Exception:
            # The store may be away for a moment; the next round asks again.
            _LOG.exception("the newest seal could not be written down")
        await asyncio.sleep(every)


def log_anchor(settings: Settings, last: Anchor | None) -> Anchor | None:
    """Log the newest seal unless it is `last`; returns it."""
    with read_scope(settings.store_url) as session:
        newest = get_latest_anchor(session=session)
    if newest is not None:
        AUDIT_SEQUENCE.set(newest.sequence)
        if newest != last:
            _EVENTS.info(ANCHOR, sequence=newest.sequence, hash=newest.hash)
    return newest


ASSESSMENT_INTERVAL_SECONDS = 60.0
"""Seconds between two questions whether there is something to look at."""
AUDIT_INTERVAL_SECONDS = 60.0
RETENTION_INTERVAL_SECONDS = 600.0
UNFINISHED_INTERVAL_SECONDS = 3600.0
"""Seconds between two questions whether today's deletion has been made."""
_PROGRAM = (sys.executable, "-c", "from survey.cli import main; main()")


async def run_assessment_loop(
    settings: Settings, every: float = ASSESSMENT_INTERVAL_SECONDS
) -> None:
    """Assess the quality of new interviews periodically until cancelled."""
    await _run_when_due(settings, every, is_assessment_due, "quality-new")


async def run_audit_loop(settings: Settings, every: float = AUDIT_INTERVAL_SECONDS) -> None:
    """Audit hidden counts of frozen waves that no freeze has reached, until cancelled."""
    await _run_when_due(settings, every, is_audit_due, "disclosure", "audit-new")


async def _run_when_due(
    settings: Settings, every: float, is_due: Callable[[Session, datetime], bool], *command: str
) -> None:
    """Ask again and again whether work is due, and let another process do it."""

    def ask() -> bool:
        with read_scope(settings.store_url) as session:
            return is_due(session, now())

    while True:
        await asyncio.sleep(every)
        try:
            if await to_thread.run_sync(ask):
                await _run_command(settings, *command)
        except Exception:
            # The store may be away for a moment, and flags must never take the platform down with
            # them; the next round asks again.
            _LOG.exception("work beside the pages could not be done: %s", " ".join(command))


async def run_retention_loop(settings: Settings, every: float = RETENTION_INTERVAL_SECONDS) -> None:
    """Delete expired data once a day until cancelled."""
    while True:
        await asyncio.sleep(every)
        try:
            if await to_thread.run_sync(cleaning_is_due, settings):
                await to_thread.run_sync(clean_up_when_due, settings)
        except Exception:
            _LOG.exception("what was kept long enough could not be deleted")


async def run_unfinished_loop(
    settings: Settings, every: float = UNFINISHED_INTERVAL_SECONDS
) -> None:
    """Remove once an hour what interrupted freezes kept for a day and other killed work left.

    Runs until cancelled.
    """
    while True:
        await asyncio.sleep(every)
        try:
            await to_thread.run_sync(remove_old_unfinished, settings.snapshot_dir)
            await to_thread.run_sync(remove_unfinished_work, settings.data_dir)
        except Exception:
            _LOG.exception("what interrupted work kept could not be removed")


async def _run_command(settings: Settings, *command: str) -> None:
    environment = {
        **os.environ,
        "SURVEY_DATABASE_URL": settings.store_url,
        "SURVEY_DATA_DIR": str(settings.data_dir),
    }
    process = await asyncio.create_subprocess_exec(
        *_PROGRAM, *command, env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
    if code != 0:
        # What went wrong stands above, where the process wrote it.
        _LOG.error("%s ended with exit code %s", " ".join(command), code)
