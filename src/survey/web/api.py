"""JSON endpoints of the browser forms: answers, phone numbers, and keying rounds of paper sheets.

Phone numbers have an endpoint of their own, so that numbers and answers never travel together. The
withdrawal code of the interview allows leaving a number on the same day. Without an encryption key
there is no such endpoint.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated

import orjson
from anyio import to_thread
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.access.principal import AccessDeniedError, Principal
from survey.access.sessions import COOKIE, find_principal
from survey.access.work import Work
from survey.collection.invitations import require_link_form
from survey.collection.paper.keying_queue import get_keying_round
from survey.collection.submission_envelope import Submission
from survey.locale import SurveyError, msg, translator
from survey.observe.logs import current_request_id
from survey.observe.metrics import INTERVIEWS
from survey.review.back_check.phone_numbers import (
    MAX_ENTERED_CHARS,
    InterviewNotFoundError,
    InvalidPhoneNumberError,
    save_phone_number,
)
from survey.settings import Settings
from survey.store.cipher import Cipher, configured_cipher
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.waves.personal_data import LENGTH
from survey.web.http import (
    JSON,
    BodyTooLargeError,
    RateLimit,
    client_address,
    is_same_site,
    json_response,
    media_type_of,
    read_limited_body,
    refusal,
    retry_after,
)
from survey.web.notice_pages import negotiate_language
from survey.web.request_middleware import find_current_principal
from survey.web.submission_intake import (
    ELSEWHERE,
    TOO_LARGE,
    TOO_MANY,
    TOO_SLOW,
    WRONG_TYPE,
    ApiResult,
    error_result,
    parse_submission,
    store_in_session,
)
from survey.web.write_queue import WriteQueue

MAX_BYTES = 256 * 1024
BODY_SECONDS = 30.0
"""Time for the whole body; 3.4 kB of answers take a second on the slowest network."""
CONTACT_URL = "/api/contact"
_PHONE_STATUS: dict[type[SurveyError], int] = {
    InvalidPhoneNumberError: 422,
    InterviewNotFoundError: 404,
}


def _get_declared_size(request: Request) -> int:
    declared = request.headers.get("content-length", "0")
    return int(declared) if declared.isascii() and declared.isdigit() else 0


@dataclass
class _ResponseEndpoint:
    """Endpoint that receives finished interviews and keyed paper sheets."""

    settings: Settings
    limit: RateLimit
    write_queue: WriteQueue

    async def post_response(self, request: Request) -> Response:
        """Store one interview or keyed sheet; answer 200 with a receipt, or an error."""
        t = translator(negotiate_language(request, self.settings.language))
        address = client_address(request, self.settings.trusted_proxies)
        wait = self.limit.seconds_until_allowed(address)
        if wait:
            return refusal(429, "too_many", t(TOO_MANY), retry_after(wait))
        if not is_same_site(request, self.settings):
            return refusal(403, "other_site", t(ELSEWHERE))
        if media_type_of(request) != JSON:
            return refusal(415, "not_json", t(WRONG_TYPE))
        if _get_declared_size(request) > MAX_BYTES:
            return refusal(413, "too_large", t(TOO_LARGE))
        try:
            document = orjson.loads(await read_limited_body(request, MAX_BYTES, BODY_SECONDS))
        except BodyTooLargeError:
            return refusal(413, "too_large", t(TOO_LARGE))
        except TimeoutError:
            return refusal(408, "too_slow", t(TOO_SLOW))
        except ClientDisconnect:
            return json_response(400, {})
        except orjson.JSONDecodeError:
            return refusal(400, "not_json", t(WRONG_TYPE))
        return await self._store(document, request.cookies.get(COOKIE))

    async def _store(self, document: object, secret: str | None) -> Response:
        """Store a JSON document as keyed sheet or interview from a session; return the response."""
        submission = parse_submission(document, self.settings.language)
        if isinstance(submission, ApiResult):
            return json_response(submission.status, submission.body)
        sender: Principal | None = None

        def store(session: Session) -> ApiResult:
            nonlocal sender
            demo = self.settings.demo
            sender = find_principal(session, secret, now(), demo=demo)
            return store_in_session(session, submission, sender, self.settings)

        try:
            if isinstance(submission, Submission):
                require_link_form(submission.token)
            result = await self.write_queue.submit(store)
        except SurveyError as error:
            language, known = submission.language, sender is not None
            result = error_result(error, language, self.settings.language, known=known)
        INTERVIEWS.labels(result.name).inc()
        body, request_id = result.body, current_request_id()
        if result.status >= HTTPStatus.INTERNAL_SERVER_ERROR and request_id:
            body = {**body, "request": request_id}
        return json_response(result.status, body)


def phone_endpoint_config(settings: Settings) -> dict[str, str]:
    """Return `{"phone": address}` for sending phone numbers; empty without an encryption key."""
    return {} if configured_cipher(settings) is None else {"phone": CONTACT_URL}


class _PhoneNumberBody(BaseModel):
    """JSON body with the withdrawal code of an interview and the respondent's phone number."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: Annotated[str, Field(max_length=LENGTH)]
    phone: Annotated[str, Field(max_length=MAX_ENTERED_CHARS)]


def _save_phone_number(cipher: Cipher, body: _PhoneNumberBody, session: Session) -> None:
    save_phone_number(session=session, cipher=cipher, code=body.code, typed=body.phone, now=now())


@dataclass(frozen=True)
class _ContactEndpoint:
    """Endpoint that receives phone numbers of respondents and stores them encrypted."""

    settings: Settings
    limit: RateLimit
    write_queue: WriteQueue
    cipher: Cipher | None

    async def post_phone_number(self, request: Request) -> Response:
        """Store one phone number; answer 200, or an error code and a message."""
        if self.cipher is None:
            raise HTTPException(404)
        t = translator(negotiate_language(request, self.settings.language))
        address = client_address(request, self.settings.trusted_proxies)
        if self.limit.seconds_until_allowed(address):
            return refusal(429, "too_many", t(TOO_MANY))
        if not is_same_site(request, self.settings):
            return refusal(403, "other_site", t(ELSEWHERE))
        body = await _read_phone_number(request)
        if body is None:
            return refusal(400, "not_json", t(WRONG_TYPE))
        try:
            await self.write_queue.submit(partial(_save_phone_number, self.cipher, body))
        except (InvalidPhoneNumberError, InterviewNotFoundError) as error:
            return refusal(_PHONE_STATUS[type(error)], error.code, t(error.message))
        return json_response(200, {})


async def _read_phone_number(request: Request) -> _PhoneNumberBody | None:
    """Return the phone number's parsed body; None if it is not what the form sends."""
    try:
        content = await read_limited_body(request)
        is_json = media_type_of(request) == JSON
        return _PhoneNumberBody.model_validate_json(content) if is_json else None
    except (BodyTooLargeError, TimeoutError, ClientDisconnect, ValidationError):
        return None


@dataclass(frozen=True)
class _SheetEndpoint:
    """Endpoint that the typist's grid asks which keying round a paper sheet is in."""

    settings: Settings

    async def get_sheet(self, request: Request) -> Response:
        """Answer 200 with the keying round (1 or 2), 409 if this person cannot key it, or 403."""
        return await to_thread.run_sync(self._get_round, request)

    def _get_round(self, request: Request) -> Response:
        t = translator(negotiate_language(request, self.settings.language))
        try:
            principal = find_current_principal(request, self.settings)
            if principal is None:
                raise AccessDeniedError(msg("Please sign in first."))
            with read_scope(self.settings.store_url) as session:
                number = get_keying_round(
                    Work(session, principal, datetime.now(UTC), self.settings),
                    wave_key=request.query_params.get("wave", ""),
                    serial=request.query_params.get("serial", ""),
                )
        except SurveyError as error:
            status = 403 if isinstance(error, AccessDeniedError) else 409
            return refusal(status, error.code, t(error.message))
        return json_response(200, {"round": number})


def routes(settings: Settings, limit: RateLimit, write_queue: WriteQueue) -> list[BaseRoute]:
    """Return the routes for answers, phone numbers and paper sheets."""
    responses = _ResponseEndpoint(settings, limit, write_queue)
    contact = _ContactEndpoint(settings, limit, write_queue, configured_cipher(settings))
    sheets = _SheetEndpoint(settings)
    return [
        Route("/api/responses", responses.post_response, methods=["POST"]),
        Route(CONTACT_URL, contact.post_phone_number, methods=["POST"]),
        Route("/api/paper/sheet", sheets.get_sheet, methods=["GET"]),
    ]
