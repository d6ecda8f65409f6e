"""Endpoint `POST /api/responses`, which stores finished interviews."""

from dataclasses import dataclass
from http import HTTPStatus

import orjson
from sqlmodel import Session
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.access.principal import Principal
from survey.access.sessions import COOKIE, find_principal
from survey.locale import Message, SurveyError, translator
from survey.observe.logs import current_request_id
from survey.observe.metrics import INTERVIEWS
from survey.settings import Settings
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


def _declared_size(request: Request) -> int:
    declared = request.headers.get("content-length", "0")
    return int(declared) if declared.isascii() and declared.isdigit() else 0


@dataclass
class _PendingSubmission:
    """Submission that waits to be stored, with the session of its sender."""

    content: IncomingDocument
    secret: str | None
    sender: Principal | None = None

    def store(self, session: Session) -> ApiResult:
        """Store the submission in the caller's transaction."""
        self.sender = find_principal(session=session, secret=self.secret, now=now())
        return store_in_session(session, self.content, self.sender)


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
            return _result_response(result, {"Retry-After": str(int(wait) + 1)})
        return _result_response(self._objection(request) or await self._read_submission(request))

    def _objection(self, request: Request) -> ApiResult | None:
        """Return the refusal if the headers are enough to refuse the request, else None."""
        if not is_same_site(request, self.settings):
            return self._refuse(request, 403, "other_site", ELSEWHERE)
        if not is_json(request):
            return self._refuse(request, 415, "not_json", WRONG_TYPE)
        if _declared_size(request) > MAX_BYTES:
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
        result = await self._submit(_PendingSubmission(submission, request.cookies.get(COOKIE)))
        INTERVIEWS.labels(result.name).inc()
        return result

    async def _submit(self, pending: _PendingSubmission) -> ApiResult:
        try:
            return await self.write_queue.submit(pending.store)
        except SurveyError as error:
            language, known = pending.content.language, pending.sender is not None
            return error_result(error, language, self.settings.language, known=known)

    def _refuse(self, request: Request, status: int, code: str, message: Message) -> ApiResult:
        t = translator(negotiate_language(request, self.settings.language))
        return refuse(status, code, t(message))


def _result_response(result: ApiResult, headers: dict[str, str] | None = None) -> Response:
    body, request_id = result.body, current_request_id()
    if result.status >= HTTPStatus.INTERNAL_SERVER_ERROR and request_id:
        body = {**body, "request": request_id}
    return json_response(result.status, body, headers)


def routes(settings: Settings, limit: RateLimit, write_queue: WriteQueue) -> list[BaseRoute]:
    """Return the route of the endpoint."""
    endpoint = _ResponseEndpoint(settings, limit, write_queue)
    return [Route("/api/responses", endpoint.post_response, methods=["POST"])]
