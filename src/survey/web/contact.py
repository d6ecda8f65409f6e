"""`POST /api/contact`: the telephone number that a respondent leaves after the interview.

By its own door, so that it never passes where answers do. Whoever holds the code of the interview
may leave one on the same day; without a key there is no such door.
"""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.fieldwork.privacy.codes import LENGTH
from survey.fieldwork.privacy.contacts import (
    LONGEST_TYPED,
    NoInterview,
    NumberUnusable,
    leave_number,
)
from survey.fieldwork.privacy.sealing import Seal, seal_of
from survey.locale import SurveyError, translator
from survey.settings import Settings
from survey.store.tables import now
from survey.web.bodies import read_small
from survey.web.desk import Desk
from survey.web.limits import RateLimit, client_address
from survey.web.outcomes import ELSEWHERE, TOO_MANY, WRONG_TYPE
from survey.web.render import reader_language
from survey.web.security import is_same_site

CONTACT_URL = "/api/contact"
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_STATUS: dict[type[SurveyError], int] = {NumberUnusable: 422, NoInterview: 404}


def phone_door(settings: Settings) -> dict[str, str]:
    """Where the form sends a number; without a key it knows of no such place and asks for none."""
    return {} if seal_of(settings) is None else {"phone": CONTACT_URL}


class _Left(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    code: Annotated[str, Field(max_length=LENGTH)]
    phone: Annotated[str, Field(max_length=LONGEST_TYPED)]


def _leave(seal: Seal, left: _Left, session: Session) -> None:
    leave_number(session=session, seal=seal, code=left.code, typed=left.phone, now=now())


@dataclass(frozen=True)
class _Door:
    settings: Settings
    limit: RateLimit
    desk: Desk
    seal: Seal | None

    async def leave(self, request: Request) -> Response:
        if self.seal is None:
            raise HTTPException(404)
        t = translator(reader_language(request, self.settings.language))
        wait = self.limit.wait(client_address(request, self.settings.trusted_proxies))
        if wait:
            return _json(429, {"code": "too_many", "message": t(TOO_MANY)})
        if not is_same_site(request):
            return _json(403, {"code": "other_site", "message": t(ELSEWHERE)})
        left = await _read(request)
        if left is None:
            return _json(400, {"code": "not_json", "message": t(WRONG_TYPE)})
        try:
            await self.desk.hand_over(partial(_leave, self.seal, left))
        except (NumberUnusable, NoInterview) as error:
            return _json(_STATUS[type(error)], {"code": error.code, "message": t(error.message)})
        return _json(200, {})


async def _read(request: Request) -> _Left | None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    content = await read_small(request)
    if media_type != "application/json" or content is None:
        return None
    try:
        return _Left.model_validate_json(content)
    except ValidationError:
        return None


def _json(status: int, body: dict[str, str]) -> Response:
    return Response(orjson.dumps(body), status, _HEADERS, "application/json")


def routes(settings: Settings, limit: RateLimit, desk: Desk) -> list[BaseRoute]:
    door = _Door(settings, limit, desk, seal_of(settings))
    return [Route(CONTACT_URL, door.leave, methods=["POST"])]
