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

from survey.fieldwork.privacy.phone_encryption import PhoneCipher, build_phone_cipher
from survey.fieldwork.privacy.phone_numbers import (
    MAX_ENTERED_CHARS,
    InterviewNotFoundError,
    InvalidPhoneNumberError,
    save_phone_number,
)
from survey.fieldwork.privacy.withdrawal_codes import LENGTH
from survey.locale import SurveyError, translator
from survey.settings import Settings
from survey.store.tables import now
from survey.web.html import negotiate_language
from survey.web.rate_limit import RateLimit, client_address
from survey.web.request_body import read_small
from survey.web.security import is_same_site
from survey.web.submission_intake import ELSEWHERE, TOO_MANY, WRONG_TYPE
from survey.web.write_queue import WriteQueue

CONTACT_URL = "/api/contact"
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_STATUS: dict[type[SurveyError], int] = {InvalidPhoneNumberError: 422, InterviewNotFoundError: 404}


def phone_endpoint_config(settings: Settings) -> dict[str, str]:
    """Where the form sends a number; without a key it knows of no such place and asks for none."""
    return {} if build_phone_cipher(settings) is None else {"phone": CONTACT_URL}


class _PhoneNumberBody(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    code: Annotated[str, Field(max_length=LENGTH)]
    phone: Annotated[str, Field(max_length=MAX_ENTERED_CHARS)]


def _save_phone_number(seal: PhoneCipher, left: _PhoneNumberBody, session: Session) -> None:
    save_phone_number(session=session, seal=seal, code=left.code, typed=left.phone, now=now())


@dataclass(frozen=True)
class _ContactEndpoint:
    settings: Settings
    limit: RateLimit
    write_queue: WriteQueue
    seal: PhoneCipher | None

    async def post_phone_number(self, request: Request) -> Response:
        if self.seal is None:
            raise HTTPException(404)
        t = translator(negotiate_language(request, self.settings.language))
        wait = self.limit.wait(client_address(request, self.settings.trusted_proxies))
        if wait:
            return _json(429, {"code": "too_many", "message": t(TOO_MANY)})
        if not is_same_site(request):
            return _json(403, {"code": "other_site", "message": t(ELSEWHERE)})
        left = await _read_phone_number(request)
        if left is None:
            return _json(400, {"code": "not_json", "message": t(WRONG_TYPE)})
        try:
            await self.write_queue.submit(partial(_save_phone_number, self.seal, left))
        except (InvalidPhoneNumberError, InterviewNotFoundError) as error:
            return _json(_STATUS[type(error)], {"code": error.code, "message": t(error.message)})
        return _json(200, {})


async def _read_phone_number(request: Request) -> _PhoneNumberBody | None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    content = await read_small(request)
    if media_type != "application/json" or content is None:
        return None
    try:
        return _PhoneNumberBody.model_validate_json(content)
    except ValidationError:
        return None


def _json(status: int, body: dict[str, str]) -> Response:
    return Response(orjson.dumps(body), status, _HEADERS, "application/json")


def routes(settings: Settings, limit: RateLimit, desk: WriteQueue) -> list[BaseRoute]:
    door = _ContactEndpoint(settings, limit, desk, build_phone_cipher(settings))
    return [Route(CONTACT_URL, door.post_phone_number, methods=["POST"])]
