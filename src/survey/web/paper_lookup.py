"""`GET /api/paper/sheet`: what a sheet's number may be keyed as, before the sheet is keyed."""

from dataclasses import dataclass

import orjson
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.access.principal import AccessDeniedError
from survey.fieldwork.paper import get_keying_round
from survey.locale import SurveyError, msg, translator
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.web.current_principal import visitor
from survey.web.html import negotiate_language

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True)
class _PaperLookupEndpoint:
    settings: Settings

    async def get_sheet(self, request: Request) -> Response:
        """200 with the round (1 or 2), 409 when this person cannot key the sheet, 403."""
        return await to_thread.run_sync(self._look_up, request)

    def _look_up(self, request: Request) -> Response:
        t = translator(negotiate_language(request, self.settings.language))
        try:
            return _json(200, {"round": self._round(request)})
        except AccessDeniedError as error:
            return _json(403, {"code": error.code, "message": t(error.message)})
        except SurveyError as error:
            return _json(409, {"code": error.code, "message": t(error.message)})

    def _round(self, request: Request) -> int:
        principal = visitor(request, self.settings)
        if principal is None:
            raise AccessDeniedError(msg("Please sign in first."))
        with read_scope(self.settings.store_url) as session:
            return get_keying_round(
                session=session,
                principal=principal,
                wave_key=request.query_params.get("wave", ""),
                serial=request.query_params.get("serial", ""),
            )


def _json(status: int, body: dict[str, object]) -> Response:
    return Response(orjson.dumps(body), status, _HEADERS, "application/json")


def routes(settings: Settings) -> list[BaseRoute]:
    return [Route("/api/paper/sheet", _PaperLookupEndpoint(settings).get_sheet, methods=["GET"])]
