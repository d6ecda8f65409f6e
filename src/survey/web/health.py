"""Is the process alive, and is it ready for visitors?"""

import logging

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


def _store_answers(store_url: str) -> bool:
    try:
        with read_scope(store_url) as session:
            session.connection().execute(text("SELECT 1 FROM instrument_version LIMIT 1")).all()
        schema.check(store_url)
    except (SQLAlchemyError, SurveyError) as error:
        _LOG.warning("the store does not answer: %s", error)
        return False
    return True


def routes(settings: Settings) -> list[BaseRoute]:
    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"}, headers=_HEADERS)

    async def ready(_: Request) -> Response:
        if await to_thread.run_sync(_store_answers, settings.store_url):
            return JSONResponse({"status": "ready"}, headers=_HEADERS)
        return JSONResponse({"status": "store_unavailable"}, 503, headers=_HEADERS)

    return [Route("/health", health), Route("/ready", ready)]
