"""`POST /api/responses`: the public door for finished interviews."""

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
from survey.observe.metrics import INTERVIEWS
from survey.observe.request_id import current_request_id
from survey.settings import Settings
from survey.store.tables import now
from survey.web.html import negotiate_language
from survey.web.rate_limit import RateLimit, client_address
from survey.web.request_body import BodyTooLargeError, read_body
from survey.web.security import is_same_site
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
"""For the whole body; 3.4 kB of answers take a second on the slowest network."""
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def _declared_size(request: Request) -> int:
    declared = request.headers.get("content-length", "0")
    return int(declared) if declared.isascii() and declared.isdigit() else 0


@dataclass
class _PendingSubmission:
    """Something on its way into the store, and who sends it."""

    content: IncomingDocument
    secret: str | None
    sender: Principal | None = None

    def store(self, session: Session) -> ApiResult:
        self.sender = find_principal(session=session, secret=self.secret, now=now())
        return store_in_session(session, self.content, self.sender)


@dataclass
class _ResponseEndpoint:
    settings: Settings
    limit: RateLimit
    write_queue: WriteQueue

    async def post_response(self, request: Request) -> Response:
        wait = self.limit.wait(client_address(request, self.settings.trusted_proxies))
        if wait:
            outcome = self._refuse(request, 429, "too_many", TOO_MANY)
            return _json(outcome, {"Retry-After": str(int(wait) + 1)})
        return _json(self._objection(request) or await self._read_submission(request))

    def _objection(self, request: Request) -> ApiResult | None:
        """What speaks against even reading the body."""
        if not is_same_site(request):
            return self._refuse(request, 403, "other_site", ELSEWHERE)
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            return self._refuse(request, 415, "not_json", WRONG_TYPE)
        if _declared_size(request) > MAX_BYTES:
            return self._refuse(request, 413, "too_large", TOO_LARGE)
        return None

    async def _read_submission(self, request: Request) -> ApiResult:
        try:
            content = await read_body(request, MAX_BYTES, BODY_SECONDS)
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
        arrived = parse_submission(document, self.settings.language)
        if isinstance(arrived, ApiResult):
            return arrived
        outcome = await self._submit(_PendingSubmission(arrived, request.cookies.get(COOKIE)))
        INTERVIEWS.labels(outcome.name).inc()
        return outcome

    async def _submit(self, arrival: _PendingSubmission) -> ApiResult:
        try:
            return await self.write_queue.submit(arrival.store)
        except SurveyError as error:
            language, known = arrival.content.language, arrival.sender is not None
            return error_result(error, language, self.settings.language, known=known)

    def _refuse(self, request: Request, status: int, code: str, message: Message) -> ApiResult:
        t = translator(negotiate_language(request, self.settings.language))
        return refuse(status, code, t(message))


def _json(outcome: ApiResult, headers: dict[str, str] | None = None) -> Response:
    body, number = outcome.body, current_request_id()
    if outcome.status >= HTTPStatus.INTERNAL_SERVER_ERROR and number:
        body = {**body, "request": number}
    return Response(
        orjson.dumps(body),
        status_code=outcome.status,
        media_type="application/json",
        headers={**_HEADERS, **(headers or {})},
    )


def routes(settings: Settings, limit: RateLimit, desk: WriteQueue) -> list[BaseRoute]:
    return [
        Route(
            "/api/responses",
            _ResponseEndpoint(settings, limit, desk).post_response,
            methods=["POST"],
        )
    ]
