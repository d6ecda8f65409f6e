"""JSON endpoints of the forms: answers, phone numbers, and the keying round of a paper sheet.

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
from survey.locale import Message, SurveyError, msg, translator
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
    BodyTooLargeError,
    RateLimit,
    client_address,
    is_json,
    is_same_site,
    json_response,
    read_limited_body,
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
    IncomingDocument,
    error_result,
    parse_submission,
    refuse,
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
class _PendingSubmission:
    """Submission that waits to be stored, with the session of its sender."""

    content: IncomingDocument
    secret: str | None
    settings: Settings
    sender: Principal | None = None

    def store(self, session: Session) -> ApiResult:
        """Store the submission in the caller's transaction."""
        self.sender = find_principal(
            session=session, secret=self.secret, now=now(), demo=self.settings.demo
        )
        return store_in_session(session, self.content, self.sender, self.settings)


@dataclass
class _ResponseEndpoint:
    """Endpoint for submissions."""

    settings: Settings
    limit: RateLimit
    write_queue: WriteQueue

    async def post_response(self, request: Request) -> Response:
        """Store one submission: 200 with a receipt, else a code and a message."""
        address = client_address(request, self.settings.trusted_proxies)
        wait = self.limit.seconds_until_allowed(address)
        if wait:
            result = self._refuse(request, 429, "too_many", TOO_MANY)
            return _build_response(result, {"Retry-After": str(int(wait) + 1)})
        return _build_response(
            self._find_objection(request) or await self._read_submission(request)
        )

    def _find_objection(self, request: Request) -> ApiResult | None:
        """Return the refusal if the headers are enough to refuse the request, else None."""
        if not is_same_site(request, self.settings):
            return self._refuse(request, 403, "other_site", ELSEWHERE)
        if not is_json(request):
            return self._refuse(request, 415, "not_json", WRONG_TYPE)
        if _get_declared_size(request) > MAX_BYTES:
            return self._refuse(request, 413, "too_large", TOO_LARGE)
        return None

    async def _read_submission(self, request: Request) -> ApiResult:
        try:
            content = await read_limited_body(request, MAX_BYTES, BODY_SECONDS)
        except BodyTooLargeError:
            return self._refuse(request, 413, "too_large", TOO_LARGE)
        except TimeoutError:
            return self._refuse(request, 408, "too_slow", TOO_SLOW)
        except ClientDisconnect:
            return ApiResult(400, {})
        try:
            document = orjson.loads(content)
        except orjson.JSONDecodeError:
            return self._refuse(request, 400, "not_json", WRONG_TYPE)
        submission = parse_submission(document, self.settings.language)
        if isinstance(submission, ApiResult):
            return submission
        result = await self._submit_pending(
            _PendingSubmission(submission, request.cookies.get(COOKIE), self.settings)
        )
        INTERVIEWS.labels(result.name).inc()
        return result

    async def _submit_pending(self, pending: _PendingSubmission) -> ApiResult:
        content = pending.content
        try:
            if isinstance(content, Submission):
                require_link_form(content.token)
            return await self.write_queue.submit(pending.store)
        except SurveyError as error:
            language, known = content.language, pending.sender is not None
            return error_result(error, language, self.settings.language, known=known)

    def _refuse(self, request: Request, status: int, code: str, message: Message) -> ApiResult:
        t = translator(negotiate_language(request, self.settings.language))
        return refuse(status, code, t(message))


def _build_response(result: ApiResult, headers: dict[str, str] | None = None) -> Response:
    body, request_id = result.body, current_request_id()
    if result.status >= HTTPStatus.INTERNAL_SERVER_ERROR and request_id:
        body = {**body, "request": request_id}
    return json_response(result.status, body, headers)


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
            status = _PHONE_STATUS[type(error)]
            return json_response(status, {"code": error.code, "message": t(error.message)})
        return json_response(200, {})


async def _read_phone_number(request: Request) -> _PhoneNumberBody | None:
    """Return the body, or None if it is none that the form sends."""
    try:
        content = await read_limited_body(request)
        return _PhoneNumberBody.model_validate_json(content) if is_json(request) else None
    except (BodyTooLargeError, TimeoutError, ClientDisconnect, ValidationError):
        return None


@dataclass(frozen=True)
class _SheetEndpoint:
    """Endpoint for typists."""

    settings: Settings

    async def get_sheet(self, request: Request) -> Response:
        """Return 200 with the round (1 or 2), 409 if this person cannot key the sheet, or 403."""
        return await to_thread.run_sync(self._look_up, request)

    def _look_up(self, request: Request) -> Response:
        t = translator(negotiate_language(request, self.settings.language))
        try:
            return json_response(200, {"round": self._get_round(request)})
        except AccessDeniedError as error:
            return json_response(403, {"code": error.code, "message": t(error.message)})
        except SurveyError as error:
            return json_response(409, {"code": error.code, "message": t(error.message)})

    def _get_round(self, request: Request) -> int:
        principal = find_current_principal(request, self.settings)
        if principal is None:
            raise AccessDeniedError(msg("Please sign in first."))
        with read_scope(self.settings.store_url) as session:
            return get_keying_round(
                Work(session, principal, datetime.now(UTC), self.settings),
                wave_key=request.query_params.get("wave", ""),
                serial=request.query_params.get("serial", ""),
            )


def routes(settings: Settings, limit: RateLimit, write_queue: WriteQueue) -> list[BaseRoute]:
    """Return the routes of the endpoints."""
    responses = _ResponseEndpoint(settings, limit, write_queue)
    contact = _ContactEndpoint(settings, limit, write_queue, configured_cipher(settings))
    sheets = _SheetEndpoint(settings)
    return [
        Route("/api/responses", responses.post_response, methods=["POST"]),
        Route(CONTACT_URL, contact.post_phone_number, methods=["POST"]),
        Route("/api/paper/sheet", sheets.get_sheet, methods=["GET"]),
    ]
