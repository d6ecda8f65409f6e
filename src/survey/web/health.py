"""Is the process alive, and is it ready for visitors?"""

import logging
import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from anyio import to_thread
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from survey.locale import SurveyError
from survey.settings import Settings
from survey.store import schema
from survey.store.engine import normal_url, read_scope

_LOG = logging.getLogger(__name__)
_HEADERS = {"Cache-Control": "no-store"}
PROBE = b"\0" * 64 * 1024
"""More than what is left at the end of a disk block, less than anybody notices."""
WRITABLE_FOR = 5.0
"""Seconds for which a folder that took the probe is not asked again: asking waits for the disk."""


@dataclass
class _StoreProbe:
    """Whether the store can be worked with; what was found good once about its shape stays good."""

    url: str
    _is_current: bool = False

    def problem(self) -> str | None:
        """A word for programs; None when all is well."""
        try:
            if not self._is_current:
                schema.require_compatible_schema(self.url)
                self._is_current = True
            with read_scope(self.url) as session:
                session.connection().execute(text("SELECT 1 FROM instrument_version LIMIT 1")).all()
        except SurveyError as error:
            _LOG.warning("this version cannot work with the store: %s", error)
            return "store_not_migrated"
        except SQLAlchemyError as error:
            _LOG.warning("the store does not answer: %s", type(error).__name__)
            return "store_unavailable"
        return None


@dataclass
class _Disk:
    """Whether the folders that everything is written into take something in."""

    folders: tuple[Path, ...]
    _recheck_at: float = field(default=float("-inf"))

    def problem(self) -> str | None:
        """A word for programs; None when all is well."""
        if time.monotonic() < self._recheck_at:
            return None
        for folder in self.folders:
            try:
                # Has no name, so that nothing is left of it, however the process ends.
                with tempfile.TemporaryFile(dir=folder) as probe:
                    probe.write(PROBE)
                    probe.flush()
                    os.fsync(probe.fileno())
            except OSError as error:
                _LOG.error("nothing can be written into %s: %s", folder, error.strerror)
                return "storage_not_writable"
        self._recheck_at = time.monotonic() + WRITABLE_FOR
        return None


def _writable_folders(settings: Settings) -> tuple[Path, ...]:
    """The data folder, and where an embedded database lies if it lies elsewhere."""
    store = normal_url(settings.store_url)
    folders = {settings.data_dir}
    if store.get_backend_name() == "sqlite" and store.database:
        folders.add(Path(store.database).parent)
    return tuple(sorted(folders))


def routes(settings: Settings) -> list[BaseRoute]:
    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"}, headers=_HEADERS)

    store, disk = _StoreProbe(settings.store_url), _Disk(_writable_folders(settings))

    def problem_found() -> str | None:
        return store.problem() or disk.problem()

    async def ready(_: Request) -> Response:
        problem = await to_thread.run_sync(problem_found)
        if problem is None:
            return JSONResponse({"status": "ready"}, headers=_HEADERS)
        return JSONResponse({"status": problem}, 503, headers=_HEADERS)

    return [Route("/health", health), Route("/ready", ready)]
