"""Endpoints that receive photos from observers' forms and show them to people who may see them.

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
from survey.collection.photos.photo_storage import (
    PhotoNotFoundError,
    read_visit_photo,
    require_photo_question,
    save_visit_photo,
)
from survey.comparative_tests.sample_photos import read_sample_photo
from survey.compute.photo_cleaning import (
    MAX_CONCURRENT_PHOTOS,
    MAX_PHOTO_BYTES,
    PhotoRefusedError,
    clean_photo,
)
from survey.education.registers import read_entry_photo
from survey.locale import SurveyError, msg, translator
from survey.records import parse_uuid
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
    refusal,
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
    _threads: CapacityLimiter = field(
        default_factory=lambda: CapacityLimiter(MAX_CONCURRENT_PHOTOS)
    )

    async def post_photo(self, request: Request) -> Response:
        """Store one photo; answer 200, or 422 with the reason if the photo is refused."""
        wanted = request.query_params.get("language", "")[:16]
        t = translator(screen_language(wanted, self.settings.language))
        if self.limit.seconds_until_allowed(client_address(request, self.settings.trusted_proxies)):
            return refusal(429, "too_many", t(TOO_MANY))
        if not is_same_site(request, self.settings):
            return refusal(403, "other_site", t(ELSEWHERE))
        asked = _parse_request(request)
        if asked is None:
            return refusal(400, "malformed", t(_MALFORMED))
        principal = await to_thread.run_sync(find_current_principal, request, self.settings)
        if principal is None:
            return refusal(401, "access_denied", t(msg("Please sign in first.")))
        try:
            content = await read_limited_body(request, MAX_PHOTO_BYTES, BODY_SECONDS)
        except BodyTooLargeError:
            return refusal(422, "photo_refused", t(_TOO_LARGE))
        except TimeoutError:
            return refusal(408, "too_slow", t(_TOO_SLOW))
        except ClientDisconnect:
            return Response(status_code=400)
        try:
            await to_thread.run_sync(
                self._store_photo, principal, asked, content, limiter=self._threads
            )
        except SurveyError as error:
            return refusal(_STATUS.get(type(error), 409), error.code, t(error.message))
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
                photo=photo,
            )

        run_in_transaction(self.settings.store_url, store)

    async def get_photo(self, request: Request) -> Response:
        """Return a photo as JPEG to people who may see it; 404 for everybody else."""
        content = await to_thread.run_sync(self._read_photo, request)
        return Response(content, headers=_PHOTO_HEADERS, media_type="image/jpeg")

    def _read_photo(self, request: Request) -> bytes:
        principal = find_current_principal(request, self.settings)
        photo_id = parse_uuid(request.path_params["photo"])
        if principal is None or photo_id is None:
            raise HTTPException(404)
        for read_photo in (read_visit_photo, read_entry_photo, read_sample_photo):
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


def _parse_request(request: Request) -> _PhotoRequest | None:
    photo_id = parse_uuid(request.path_params["photo"])
    point_id = parse_uuid(request.query_params.get("point", ""))
    item = request.query_params.get("item", "")
    # An id that a server could have made is none that a browser drew at random.
    if photo_id is None or photo_id.version != 4 or point_id is None or not item:
        return None
    return _PhotoRequest(photo_id, point_id, item[:200])


def photo_url(photo_id: str) -> str:
    """Return the address at which a photo is shown."""
    return f"{PREFIX}/{photo_id}"


def routes(settings: Settings, limit: RateLimit) -> list[BaseRoute]:
    """Return the routes to send and to show a photo."""
    endpoints = PhotoEndpoints(settings, limit)
    path = f"{PREFIX}/{{photo}}"
    return [
        Route(path, endpoints.post_photo, methods=["POST"]),
        Route(path, endpoints.get_photo, methods=["GET"]),
    ]
