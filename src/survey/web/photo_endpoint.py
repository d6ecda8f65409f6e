"""Endpoints of photos: an observer's form sends them, reviewers and those who run a check see them.

What is sent is read with a limit, decoded in few threads at a time, and stored only when it was
encoded anew. Refusals are in words that the form shows beside the question.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from sqlmodel import Session
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.access.principal import AccessDeniedError, Principal
from survey.access.work import Work
from survey.collection.photos.photo_cleaning import (
    MAX_CONCURRENT_PHOTOS,
    MAX_PHOTO_BYTES,
    PhotoNotFoundError,
    PhotoRefusedError,
    clean_photo,
    read_visit_photo,
    require_photo_question,
    save_visit_photo,
)
from survey.education.activities import read_activity_photo
from survey.locale import Message, SurveyError, Translator, msg, translator
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.store.transactions import StoreUnavailableError, run_in_transaction
from survey.waves.waves import WaveNotOpenError
from survey.web.form_texts import screen_language
from survey.web.http import (
    BodyTooLargeError,
    RateLimit,
    client_address,
    is_same_site,
    json_response,
    read_limited_body,
)
from survey.web.request_middleware import find_current_principal
from survey.web.submission_intake import ELSEWHERE, TOO_MANY

PREFIX = "/api/photos"
BODY_SECONDS = 60.0
"""Time for the whole photo: half a megabyte on a slow network."""
_TOO_LARGE = msg("The photo is larger than {limit} MB. Please take it with fewer pixels.",
                 limit=MAX_PHOTO_BYTES >> 20)  # fmt: skip
_TOO_SLOW = msg("The photo took too long to arrive. It is sent again.")
_MALFORMED = msg("The photo did not arrive in a readable form. Please take it again.")
_STATUS: dict[type[SurveyError], int] = {
    PhotoRefusedError: 422,
    AccessDeniedError: 403,
    WaveNotOpenError: 410,
    StoreUnavailableError: 503,
}
_PHOTO_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Disposition": "inline",
}


@dataclass(frozen=True)
class _PhotoRequest:
    photo_id: UUID
    point_id: UUID
    item: str


@dataclass
class PhotoEndpoints:
    """Endpoints that receive and show photos."""

    settings: Settings
    limit: RateLimit
    _threads: CapacityLimiter | None = field(default=None, init=False)

    async def post_photo(self, request: Request) -> Response:
        """Store one photo: 200 when it is kept, 422 with the reason when it is refused."""
        t = self._choose_translator(request)
        if self.limit.seconds_until_allowed(client_address(request, self.settings.trusted_proxies)):
            return _build_refusal(429, "too_many", TOO_MANY, t)
        if not is_same_site(request, self.settings):
            return _build_refusal(403, "other_site", ELSEWHERE, t)
        asked = _parse_request(request)
        if asked is None:
            return _build_refusal(400, "malformed", _MALFORMED, t)
        principal = await to_thread.run_sync(find_current_principal, request, self.settings)
        if principal is None:
            return _build_refusal(401, "access_denied", msg("Please sign in first."), t)
        try:
            content = await read_limited_body(request, MAX_PHOTO_BYTES, BODY_SECONDS)
        except BodyTooLargeError:
            return _build_refusal(422, "photo_refused", _TOO_LARGE, t)
        except TimeoutError:
            return _build_refusal(408, "too_slow", _TOO_SLOW, t)
        except ClientDisconnect:
            return Response(status_code=400)
        if self._threads is None:
            # A limiter belongs to the event loop in which it is created.
            self._threads = CapacityLimiter(MAX_CONCURRENT_PHOTOS)
        try:
            await to_thread.run_sync(
                self._store_photo, principal, asked, content, limiter=self._threads
            )
        except SurveyError as error:
            return _build_refusal(_STATUS.get(type(error), 409), error.code, error.message, t)
        return json_response(200, {})

    def _store_photo(self, principal: Principal, asked: _PhotoRequest, content: bytes) -> None:
        with read_scope(self.settings.store_url) as session:
            keeps_place = require_photo_question(
                Work(session, principal, now(), self.settings),
                point_id=asked.point_id,
                item_name=asked.item,
            )
        photo = clean_photo(content, keeps_origin=keeps_place)

        def store(session: Session) -> None:
            save_visit_photo(
                Work(session, principal, now(), self.settings),
                folder=self.settings.photo_dir,
                photo_id=asked.photo_id,
                point_id=asked.point_id,
                item_name=asked.item,
                sent=content,
                photo=photo,
            )

        run_in_transaction(self.settings.store_url, store)

    async def get_photo(self, request: Request) -> Response:
        """Return a photo to whom it may be shown; 404 for everybody else."""
        content = await to_thread.run_sync(self._read_photo, request)
        return Response(content, headers=_PHOTO_HEADERS, media_type="image/jpeg")

    def _read_photo(self, request: Request) -> bytes:
        principal = find_current_principal(request, self.settings)
        photo_id = _parse_uuid(request.path_params["photo"])
        if principal is None or photo_id is None:
            raise HTTPException(404)
        for read_photo in (read_visit_photo, read_activity_photo):
            with (
                suppress(PhotoNotFoundError, AccessDeniedError),
                read_scope(self.settings.store_url) as session,
            ):
                return read_photo(
                    Work(session, principal, now(), self.settings),
                    folder=self.settings.photo_dir,
                    photo_id=photo_id,
                ).content
        raise HTTPException(404)

    def _choose_translator(self, request: Request) -> Translator:
        wanted = request.query_params.get("language", "")[:16]
        return translator(screen_language(wanted, self.settings.language))


def _parse_request(request: Request) -> _PhotoRequest | None:
    photo_id = _parse_uuid(request.path_params["photo"])
    point_id = _parse_uuid(request.query_params.get("point", ""))
    item = request.query_params.get("item", "")
    # An id that a server could have made is none that a browser drew at random.
    if photo_id is None or photo_id.version != 4 or point_id is None or not item:
        return None
    return _PhotoRequest(photo_id, point_id, item[:200])


def _parse_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _build_refusal(status: int, code: str, message: Message, t: Translator) -> Response:
    return json_response(status, {"code": code, "message": t(message)})


def photo_url(photo_id: str) -> str:
    """Return the address under which a photo is shown."""
    return f"{PREFIX}/{photo_id}"


def routes(settings: Settings, limit: RateLimit) -> list[BaseRoute]:
    """Return the routes of the endpoints."""
    endpoints = PhotoEndpoints(settings, limit)
    path = f"{PREFIX}/{{photo}}"
    return [
        Route(path, endpoints.post_photo, methods=["POST"]),
        Route(path, endpoints.get_photo, methods=["GET"]),
    ]
