"""Work beside the pages: looking at new interviews, and deletion by schedule.

New interviews are looked at every few minutes, in a process of its own, because reading a whole
wave would keep this one from answering; a lease in the store lets only one of many look
(`survey.fieldwork.quality.watching`), and likewise only one of many delete
(`survey.fieldwork.privacy.retention`).
"""

import asyncio
import logging
import os
import sys

from anyio import to_thread

from survey.fieldwork.privacy.retention import clean_up_when_due
from survey.fieldwork.privacy.retention import is_due as cleaning_is_due
from survey.fieldwork.quality import is_due
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import now

LOOK_EVERY = 60.0
"""Seconds between two questions whether there is something to look at."""
CLEAN_EVERY = 600.0
"""Seconds between two questions whether today's deletion has been made."""
_COMMAND = (sys.executable, "-c", "from survey.cli import main; main()", "quality-new")
_LOG = logging.getLogger(__name__)


async def keep_looking(settings: Settings, every: float = LOOK_EVERY) -> None:
    """Until it is cancelled: whenever new interviews wait, have them looked at."""
    while True:
        await asyncio.sleep(every)
        try:
            if await to_thread.run_sync(_due, settings):
                await _look(settings)
        except Exception:
            # The store may be away for a moment, and flags must never take the platform down with
            # them; the next round asks again.
            _LOG.exception("new interviews could not be looked at")


async def keep_cleaning(settings: Settings, every: float = CLEAN_EVERY) -> None:
    """Until it is cancelled: once a day, delete what has been kept long enough."""
    while True:
        await asyncio.sleep(every)
        try:
            if await to_thread.run_sync(cleaning_is_due, settings):
                await to_thread.run_sync(clean_up_when_due, settings)
        except Exception:
            _LOG.exception("what was kept long enough could not be deleted")


def _due(settings: Settings) -> bool:
    with read_scope(settings.store_url) as session:
        return is_due(session=session, at=now())


async def _look(settings: Settings) -> None:
    environment = {**os.environ, "SURVEY_DATABASE_URL": settings.store_url}
    process = await asyncio.create_subprocess_exec(
        *_COMMAND, env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
