"""Endpoints `/health` (the process is alive) and `/ready` (it can serve requests)."""

import logging
import os
import sqlite3
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from anyio import to_thread
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.locale import SurveyError
from survey.settings import Settings
from survey.store import schema
from survey.store.engine import normal_url, read_scope
from survey.web.http import json_response

_LOG = logging.getLogger(__name__)
PROBE = b"\0" * 64 * 1024
"""Larger than the rest of a disk block, and still quick to write."""
LOCK_SECONDS = 1
"""Longer than any interview keeps the store, and shorter than a proxy waits for an answer."""
WRITABLE_FOR = 5.0
"""Seconds until a writable folder is probed again, because a probe waits for the disk."""


@dataclass
class _StoreProbe:
    """Check that the store answers and that its schema fits; a schema found right stays so."""

    url: str
    _is_current: bool = False

    def problem(self) -> str | None:
        """Return the code of what is wrong with the store; None if it works."""
        try:
            self._require_free()
            if not self._is_current:
                schema.require_compatible_schema(self.url)
                self._is_current = True
            with read_scope(self.url) as session:
                if session.get_bind().dialect.name == "postgresql":
                    limit = f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"
                    session.connection().exec_driver_sql(limit)
                session.connection().execute(text("SELECT 1 FROM instrument_version LIMIT 1")).all()
        except SurveyError as error:
            _LOG.warning("this version cannot work with the store: %s", error)
            return "store_not_migrated"
        except (SQLAlchemyError, sqlite3.Error) as error:
            _LOG.warning("the store does not answer: %s", type(error).__name__)
            return "store_unavailable"
        return None

    def _require_free(self) -> None:
        """Raise `sqlite3.Error` if another process has locked a SQLite store against writing."""
        url = normal_url(self.url)
        if url.get_backend_name() == "sqlite" and url.database and Path(url.database).exists():
            probe = sqlite3.connect(url.database, timeout=LOCK_SECONDS, isolation_level=None)
            with closing(probe):
                probe.execute("BEGIN IMMEDIATE")
                probe.execute("ROLLBACK")


@dataclass
class _DiskProbe:
    """Check that the folders in which data are stored are writable."""

    folders: tuple[Path, ...]
    _recheck_at: float = field(default=float("-inf"))

    def problem(self) -> str | None:
        """Return the code of what is wrong with the folders; None if all are writable."""
        if time.monotonic() < self._recheck_at:
            return None
        for folder in self.folders:
            try:
                # It has no name, so nothing is left of it, however the process ends.
                with tempfile.TemporaryFile(dir=folder) as probe:
                    probe.write(PROBE)
                    probe.flush()
                    os.fsync(probe.fileno())
            except OSError as error:
                _LOG.error("nothing can be written into %s: %s", folder, error.strerror)
                return "storage_not_writable"
        self._recheck_at = time.monotonic() + WRITABLE_FOR
        return None


def _list_writable_folders(settings: Settings) -> tuple[Path, ...]:
    """Return the data folder and the folder of a SQLite database, each once."""
    store = normal_url(settings.store_url)
    folders = {settings.data_dir}
    if store.get_backend_name() == "sqlite" and store.database:
        folders.add(Path(store.database).parent)
    return tuple(sorted(folders))


def routes(settings: Settings) -> list[BaseRoute]:
    """Return the routes of `/health` and `/ready`."""

    async def health(_: Request) -> Response:
        return json_response(200, {"status": "ok"})

    store, disk = _StoreProbe(settings.store_url), _DiskProbe(_list_writable_folders(settings))

    def find_problem() -> str | None:
        return store.problem() or disk.problem()

    async def ready(_: Request) -> Response:
        problem = await to_thread.run_sync(find_problem)
        return json_response(200 if problem is None else 503, {"status": problem or "ready"})

    return [Route("/health", health), Route("/ready", ready)]
