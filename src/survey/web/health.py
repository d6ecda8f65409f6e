"""Is the process alive, and is it ready for visitors?"""

import logging
from dataclasses import dataclass

from anyio import to_thread
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from survey.locale import SurveyError
from survey.settings import Settings
from survey.store import schema
from survey.store.engine import read_scope

_LOG = logging.getLogger(__name__)
_HEADERS = {"Cache-Control": "no-store"}


@dataclass
class _Store:
    """Whether the store can be worked with; what was found good once about its shape stays good."""

    url: str
    _is_current: bool = False

    def problem(self) -> str | None:
        """A word for programs; None when all is well."""
        try:
            if not self._is_current:
                schema.check(self.url)
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


def routes(settings: Settings) -> list[BaseRoute]:
    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"}, headers=_HEADERS)

    store = _Store(settings.store_url)

    async def ready(_: Request) -> Response:
        problem = await to_thread.run_sync(store.problem)
        if problem is None:
            return JSONResponse({"status": "ready"}, headers=_HEADERS)
        return JSONResponse({"status": problem}, 503, headers=_HEADERS)

    return [Route("/health", health), Route("/ready", ready)]
