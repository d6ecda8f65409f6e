"""Endpoint `POST /api/contact`, which stores the phone number a respondent leaves.

It is apart from the endpoint for answers, so that numbers and answers never travel together. The
withdrawal code of the interview allows leaving a number on the same day. Without an encryption key
there is no such endpoint.
"""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.fieldwork.back_check.phone_numbers import (
    MAX_ENTERED_CHARS,
    InterviewNotFoundError,
    InvalidPhoneNumberError,
    save_phone_number,
)
from survey.fieldwork.withdrawal_codes import LENGTH
from survey.locale import SurveyError, translator
from survey.settings import Settings
from survey.store.cipher import Cipher, configured_cipher
from survey.store.tables import now
from survey.web.html import negotiate_language
from survey.web.http import (
    BodyTooLargeError,
    client_address,
    is_json,
    is_same_site,
    json_response,
    read_limited_body,
)
from survey.web.limits import RateLimit
from survey.web.submission_intake import ELSEWHERE, TOO_MANY, WRONG_TYPE
from survey.web.write_queue import WriteQueue

CONTACT_URL = "/api/contact"
_STATUS: dict[type[SurveyError], int] = {InvalidPhoneNumberError: 422, InterviewNotFoundError: 404}


def phone_endpoint_config(settings: Settings) -> dict[str, str]:
    """Return where the form sends a phone number; empty without a key, so that it asks for none."""
    return {} if configured_cipher(settings) is None else {"phone": CONTACT_URL}


class _PhoneNumberBody(BaseModel):
    """JSON body: withdrawal code of the interview and phone number."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: Annotated[str, Field(max_length=LENGTH)]
    phone: Annotated[str, Field(max_length=MAX_ENTERED_CHARS)]


def _save_phone_number(cipher: Cipher, body: _PhoneNumberBody, session: Session) -> None:
    save_phone_number(session=session, cipher=cipher, code=body.code, typed=body.phone, now=now())


@dataclass(frozen=True)
class _ContactEndpoint:
    """Endpoint for phone numbers."""

    settings: Settings
    limit: RateLimit
    write_queue: WriteQueue
    cipher: Cipher | None

    async def post_phone_number(self, request: Request) -> Response:
        """Store one number: 200, else a code and a message."""
        if self.cipher is None:
            raise HTTPException(404)
        t = translator(negotiate_language(request, self.settings.language))
        address = client_address(request, self.settings.trusted_proxies)
        if self.limit.seconds_until_allowed(address):
            return json_response(429, {"code": "too_many", "message": t(TOO_MANY)})
        if not is_same_site(request, self.settings):
            return json_response(403, {"code": "other_site", "message": t(ELSEWHERE)})
        body = await _read_phone_number(request)
        if body is None:
            return json_response(400, {"code": "not_json", "message": t(WRONG_TYPE)})
        try:
            await self.write_queue.submit(partial(_save_phone_number, self.cipher, body))
        except (InvalidPhoneNumberError, InterviewNotFoundError) as error:
            status = _STATUS[type(error)]
            return json_response(status, {"code": error.code, "message": t(error.message)})
        return json_response(200, {})


async def _read_phone_number(request: Request) -> _PhoneNumberBody | None:
    """Return the body, or None if it is none that the form sends."""
    try:
        content = await read_limited_body(request)
        return _PhoneNumberBody.model_validate_json(content) if is_json(request) else None
    except (BodyTooLargeError, TimeoutError, ClientDisconnect, ValidationError):
        return None


def routes(settings: Settings, limit: RateLimit, write_queue: WriteQueue) -> list[BaseRoute]:
    """Return the route of the endpoint."""
    endpoint = _ContactEndpoint(settings, limit, write_queue, configured_cipher(settings))
    return [Route(CONTACT_URL, endpoint.post_phone_number, methods=["POST"])]
