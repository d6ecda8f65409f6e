"""`POST /api/responses`: the public door for finished interviews."""

from dataclasses import dataclass
from http import HTTPStatus

import orjson
from sqlmodel import Session
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.access.principal import Principal
from survey.access.sessions import COOKIE, principal_for
from survey.locale import Message, SurveyError, translator
from survey.observe.metrics import INTERVIEWS
from survey.observe.request import current_number
from survey.settings import Settings
from survey.store.tables import now
from survey.web.bodies import BodyTooLarge, read_body
from survey.web.desk import Desk
from survey.web.limits import RateLimit, client_address
from survey.web.outcomes import (
    ELSEWHERE,
    TOO_LARGE,
    TOO_MANY,
    TOO_SLOW,
    WRONG_TYPE,
    Arrived,
    Outcome,
    read_arrived,
    refusal,
    refused,
    taken_in,
)
from survey.web.render import reader_language
from survey.web.security import is_same_site

MAX_BYTES = 256 * 1024
BODY_SECONDS = 30.0
"""For the whole body; 3.4 kB of answers take a second on the slowest network."""
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def _declared_size(request: Request) -> int:
    declared = request.headers.get("content-length", "0")
    return int(declared) if declared.isascii() and declared.isdigit() else 0


@dataclass
class _Arrival:
    """Something on its way into the store, and who sends it."""

    content: Arrived
    secret: str | None
    sender: Principal | None = None

    def store(self, session: Session) -> Outcome:
        self.sender = principal_for(session=session, secret=self.secret, now=now())
        return taken_in(session, self.content, self.sender)


@dataclass
class _Door:
    settings: Settings
    limit: RateLimit
    desk: Desk

    async def receive(self, request: Request) -> Response:
        wait = self.limit.wait(client_address(request, self.settings.trusted_proxies))
        if wait:
            outcome = self._refuse(request, 429, "too_many", TOO_MANY)
            return _json(outcome, {"Retry-After": str(int(wait) + 1)})
        return _json(self._objection(request) or await self._take(request))

    def _objection(self, request: Request) -> Outcome | None:
        """What speaks against even reading the body."""
        if not is_same_site(request):
            return self._refuse(request, 403, "other_site", ELSEWHERE)
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            return self._refuse(request, 415, "not_json", WRONG_TYPE)
        if _declared_size(request) > MAX_BYTES:
            return self._refuse(request, 413, "too_large", TOO_LARGE)
        return None

    async def _take(self, request: Request) -> Outcome:
        try:
            content = await read_body(request, MAX_BYTES, BODY_SECONDS)
        except BodyTooLarge:
            return self._refuse(request, 413, "too_large", TOO_LARGE)
        except TimeoutError:
            return self._refuse(request, 408, "too_slow", TOO_SLOW)
        except ClientDisconnect:
            return Outcome(400, {})
        try:
            document = orjson.loads(content)
        except orjson.JSONDecodeError:
            return self._refuse(request, 400, "not_json", WRONG_TYPE)
        arrived = read_arrived(document, self.settings.language)
        if isinstance(arrived, Outcome):
            return arrived
        outcome = await self._hand_in(_Arrival(arrived, request.cookies.get(COOKIE)))
        INTERVIEWS.labels(outcome.name).inc()
        return outcome

    async def _hand_in(self, arrival: _Arrival) -> Outcome:
        try:
            return await self.desk.hand_over(arrival.store)
        except SurveyError as error:
            language, known = arrival.content.language, arrival.sender is not None
            return refused(error, language, self.settings.language, known=known)

    def _refuse(self, request: Request, status: int, code: str, message: Message) -> Outcome:
        t = translator(reader_language(request, self.settings.language))
        return refusal(status, code, t(message))


def _json(outcome: Outcome, headers: dict[str, str] | None = None) -> Response:
    body, number = outcome.body, current_number()
    if outcome.status >= HTTPStatus.INTERNAL_SERVER_ERROR and number:
        body = {**body, "request": number}
    return Response(
        orjson.dumps(body),
        status_code=outcome.status,
        media_type="application/json",
        headers={**_HEADERS, **(headers or {})},
    )


def routes(settings: Settings, limit: RateLimit, desk: Desk) -> list[BaseRoute]:
    return [Route("/api/responses", _Door(settings, limit, desk).receive, methods=["POST"])]
