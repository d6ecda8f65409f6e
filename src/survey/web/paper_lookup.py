"""Endpoint `GET /api/paper/sheet`, which tells the keying round of a sheet by its number."""

from dataclasses import dataclass

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.access.principal import AccessDeniedError
from survey.fieldwork.paper import get_keying_round
from survey.locale import SurveyError, msg, translator
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.web.current_principal import find_current_principal
from survey.web.html import negotiate_language
from survey.web.http import json_response


@dataclass(frozen=True)
class _PaperLookupEndpoint:
    """Endpoint for typists."""

    settings: Settings

    async def get_sheet(self, request: Request) -> Response:
        """Return 200 with the round (1 or 2), 409 if this person cannot key the sheet, or 403."""
        return await to_thread.run_sync(self._look_up, request)

    def _look_up(self, request: Request) -> Response:
        t = translator(negotiate_language(request, self.settings.language))
        try:
            return json_response(200, {"round": self._round(request)})
        except AccessDeniedError as error:
            return json_response(403, {"code": error.code, "message": t(error.message)})
        except SurveyError as error:
            return json_response(409, {"code": error.code, "message": t(error.message)})

    def _round(self, request: Request) -> int:
        principal = find_current_principal(request, self.settings)
        if principal is None:
            raise AccessDeniedError(msg("Please sign in first."))
        with read_scope(self.settings.store_url) as session:
            return get_keying_round(
                session=session,
                principal=principal,
                wave_key=request.query_params.get("wave", ""),
                serial=request.query_params.get("serial", ""),
            )


def routes(settings: Settings) -> list[BaseRoute]:
    """Return the route of the endpoint."""
    return [Route("/api/paper/sheet", _PaperLookupEndpoint(settings).get_sheet, methods=["GET"])]
