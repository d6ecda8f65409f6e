"""`POST /api/responses`: the public door for finished interviews."""

from dataclasses import dataclass

import orjson
from anyio import CapacityLimiter, to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.locale import Message, translator
from survey.settings import Settings
from survey.web.limits import RateLimit, client_address
from survey.web.outcomes import (
    ELSEWHERE,
    TOO_LARGE,
    TOO_MANY,
    WRONG_TYPE,
    Outcome,
    refusal,
    take_in,
)
from survey.web.render import reader_language
from survey.web.security import is_same_site
from survey.web.visitor import visitor

MAX_BYTES = 256 * 1024
WORKERS = 16
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class _TooLarge(Exception):
    pass


async def _read(request: Request) -> bytes:
    """The body, given up as soon as it is larger than any interview."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BYTES:
            raise _TooLarge
        chunks.append(chunk)
    return b"".join(chunks)


def _declared_size(request: Request) -> int:
    declared = request.headers.get("content-length", "0")
    return int(declared) if declared.isascii() and declared.isdigit() else 0


@dataclass
class _Door:
    settings: Settings
    limit: RateLimit
    workers: CapacityLimiter | None = None

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
            content = await _read(request)
        except _TooLarge:
            return self._refuse(request, 413, "too_large", TOO_LARGE)
        except ClientDisconnect:
            return Outcome(400, {})
        if self.workers is None:
            self.workers = CapacityLimiter(WORKERS)
        return await to_thread.run_sync(self._store, request, content, limiter=self.workers)

    def _store(self, request: Request, content: bytes) -> Outcome:
        try:
            document = orjson.loads(content)
        except orjson.JSONDecodeError:
            return self._refuse(request, 400, "not_json", WRONG_TYPE)
        return take_in(document, visitor(request, self.settings), self.settings)

    def _refuse(self, request: Request, status: int, code: str, message: Message) -> Outcome:
        t = translator(reader_language(request, self.settings.language))
        return refusal(status, code, t(message))


def _json(outcome: Outcome, headers: dict[str, str] | None = None) -> Response:
    return Response(
        orjson.dumps(outcome.body),
        status_code=outcome.status,
        media_type="application/json",
        headers={**_HEADERS, **(headers or {})},
    )


def routes(settings: Settings, limit: RateLimit) -> list[BaseRoute]:
    return [Route("/api/responses", _Door(settings, limit).receive, methods=["POST"])]
