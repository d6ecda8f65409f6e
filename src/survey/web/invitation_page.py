"""Page behind a respondent's one-time invitation link, and the questionnaire that it loads.

The page's script reports that the page was really opened (`POST`), and only that binds the link to
the device: programs that fetch links to check them run no script and use up no invitation.
"""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Annotated, Any, TypeVar

import orjson
from anyio import to_thread
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.access.secret_hashes import digest
from survey.collection.invitations import (
    InvitationNotFoundError,
    InvitationPageData,
    OpenedOnOtherDeviceError,
    is_link_token,
    open_invitation,
    read_invitation,
    record_other_device,
)
from survey.locale import SurveyError, label_text, translator
from survey.questionnaire.browser_payload import browser_form, picture_url
from survey.questionnaire.model import Instrument
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.store.transactions import StoreUnavailableError, run_reads
from survey.waves.instruments import InstrumentNotFoundError, load_instrument, load_picture
from survey.waves.quota_counts import FullQuotaGroup
from survey.web.api import phone_endpoint_config
from survey.web.assets import FOREVER, CachedBody, cached_response
from survey.web.form_texts import screen_language, texts_for
from survey.web.http import (
    JSON,
    NO_STORE,
    PAGE_HEADERS,
    BodyTooLargeError,
    Cookie,
    RateLimit,
    client_address,
    is_same_site,
    read_limited_body,
)
from survey.web.notice_pages import (
    SUBMIT_URL,
    HtmlPage,
    html_response,
    negotiate_language,
    render_invitation_error,
    require_turn,
)
from survey.web.write_queue import WriteQueue

DRAFT_KEY_LENGTH = 24
DEVICE_COOKIE = Cookie("survey_device", "/q/")
DEVICE_BITS = 128
DEVICE_LIFETIME = 30 * 24 * 3600
"""Seconds, as long as the browser keeps drafts."""
MAX_CLAIM_BYTES = 512
OPEN_SECONDS = 2.0
"""How long opening a link waits for the store; then a page asks to try again in a moment."""
_SHA256 = re.compile("[0-9a-f]{64}")
_Body = TypeVar("_Body")


def form_url(sha256: str) -> str:
    """Return the path from which browsers load the questionnaire with this SHA-256."""
    return f"/form/{sha256}.json"


def language_codes(instrument: Instrument) -> tuple[str, ...]:
    """Return the codes of the questionnaire's languages."""
    return tuple(language.code for language in instrument.languages)


@lru_cache(maxsize=64)
def form_body(store_url: str, sha256: str) -> CachedBody:
    """Return the questionnaire as JSON for the browser; cached, as versions never change."""
    with read_scope(store_url) as session:
        instrument = load_instrument(session=session, sha256=sha256)
    return CachedBody(orjson.dumps(browser_form(instrument)), JSON)


InvitedForm = tuple[InvitationPageData, Instrument]


def _read_page(token: str, secret: str, session: Session) -> InvitedForm:
    page = read_invitation(session=session, token=token, now=now(), secret=secret)
    return page, load_instrument(session=session, sha256=page.instrument_sha256)


def _bind_device(token: str, claim: "_DeviceClaim", session: Session) -> InvitedForm | None:
    open_invitation(session=session, token=token, proof=claim.device, now=now())
    if not claim.page:
        return None
    page = read_invitation(session=session, token=token, now=now(), proof=claim.device)
    return page, load_instrument(session=session, sha256=page.instrument_sha256)


@lru_cache(maxsize=64)
def _picture_content(store_url: str, sha256: str) -> bytes:
    """Return a picture of a questionnaire; cached, as it never changes."""
    with read_scope(store_url) as session:
        return load_picture(session=session, sha256=sha256)


@dataclass(frozen=True)
class _InvitationEndpoints:
    """Endpoints of invitation links and of the questionnaires they load."""

    settings: Settings
    limit: RateLimit
    write_queue: WriteQueue
    read_queue: WriteQueue

    async def get_page(self, request: Request) -> Response:
        """`GET /q/{token}`: show the page with the form, or why the link does not open."""
        refusal = self._refuse_request(request)
        if refusal is not None:
            return refusal
        token = request.path_params["token"]
        secret = DEVICE_COOKIE.get_secret(request, bits=DEVICE_BITS)
        try:
            form = await self.read_queue.submit(partial(_read_page, token, secret), OPEN_SECONDS)
        except OpenedOnOtherDeviceError as error:
            await self._note_other_device(token)
            return self._render_error(request, error, draft_key=_build_draft_key(token))
        except SurveyError as error:
            return self._render_error(request, error)
        response = self._build_form_page(request, token, *form)
        DEVICE_COOKIE.save(response, request, self.settings, secret, DEVICE_LIFETIME)
        return response

    async def post_opened(self, request: Request) -> Response:
        """`POST /q/{token}`: bind the link to the device; return the form if the body asks it."""
        refusal = self._refuse_request(request)
        if refusal is not None:
            return refusal
        try:
            claim = await _read_claim(request)
        except TimeoutError:
            return Response(status_code=408, headers=NO_STORE)
        if claim is None or not is_same_site(request, self.settings):
            raise HTTPException(403)
        token = request.path_params["token"]
        try:
            form = await self.write_queue.submit(partial(_bind_device, token, claim), OPEN_SECONDS)
        except OpenedOnOtherDeviceError as error:
            await self._note_other_device(token)
            return self._render_error(request, error)
        except SurveyError as error:
            return self._render_error(request, error)
        if form is None:
            return Response(status_code=204, headers=NO_STORE)
        boot = self._build_boot_data(request, token, *form)
        return cached_response(request, CachedBody(orjson.dumps(boot), JSON), headers=PAGE_HEADERS)

    def _refuse_request(self, request: Request) -> Response | None:
        """Return a notice for a malformed token, else None; raise if its address sent too many."""
        if not is_link_token(request.path_params["token"]):
            error = InvitationNotFoundError()
            return render_invitation_error(request, error, self.settings.language)
        require_turn(request, self.limit, self.settings)
        return None

    def _render_error(self, request: Request, error: SurveyError, **boot: str) -> Response:
        if isinstance(error, InvitationNotFoundError):
            # Whoever guesses takes nothing from people behind the same address: the guesses are
            # counted by `AddressLimitMiddleware`.
            self.limit.give_back(client_address(request, self.settings.trusted_proxies))
        return render_invitation_error(request, error, self.settings.language, **boot)

    async def _note_other_device(self, token: str) -> None:
        # The reader of the page waits for no writer; the next attempt is noted as well.
        with suppress(StoreUnavailableError):
            await self.write_queue.submit(
                lambda session: record_other_device(session=session, token=token, now=now()),
                OPEN_SECONDS,
            )

    def _build_form_page(
        self, request: Request, token: str, invitation: InvitationPageData, instrument: Instrument
    ) -> Response:
        boot = self._build_boot_data(request, token, invitation, instrument)
        language = boot["language"]
        t = translator(screen_language(language, self.settings.language))
        title = label_text(instrument.title, language)
        values = {
            "form_url": boot["form_url"],
            "loading": t("One moment …"),
            "no_script": t("This questionnaire needs JavaScript. Please turn it on and reload."),
        }
        page = HtmlPage("form", language, title, values, boot, is_cached=True)
        return html_response(request, page)

    def _build_boot_data(
        self, request: Request, token: str, invitation: InvitationPageData, instrument: Instrument
    ) -> dict[str, Any]:
        """Return the data with which the form's script starts: addresses, texts, place, quotas."""
        codes = language_codes(instrument)
        language = negotiate_language(request, instrument.default_language, codes)
        t = translator(screen_language(language, self.settings.language))
        return {
            "kind": "form",
            "form_url": form_url(instrument.sha256),
            "submit_url": SUBMIT_URL,
            "draft_key": _build_draft_key(token),
            "device": invitation.proof,
            "language": language,
            "texts": texts_for(codes, self.settings.language),
            "waiting": t("The network is slow. Trying again …"),
            "meta": {
                "submission": {"token": token},
                "place": dict(invitation.city_name),
                "is_demo": invitation.is_demo,
                "full": full_groups_payload(invitation.full),
                **phone_endpoint_config(self.settings),
            },
        }

    async def get_form(self, request: Request) -> Response:
        """`GET /form/{sha256}.json`: return a questionnaire for the browser."""
        body = await self._read_by_hash(request, form_body)
        return cached_response(request, body, forever=True, headers=PAGE_HEADERS)

    async def get_picture(self, request: Request) -> Response:
        """`GET /form/{sha256}.jpg`: return a picture of a questionnaire."""
        content = await self._read_by_hash(request, _picture_content)
        return Response(content, media_type="image/jpeg", headers=PAGE_HEADERS | FOREVER)

    async def _read_by_hash(self, request: Request, read: Callable[[str, str], _Body]) -> _Body:
        """Return what `read` finds for the hash in the address; 404 for none and for no hash."""
        sha256 = request.path_params["sha256"]
        if not _SHA256.fullmatch(sha256):
            raise HTTPException(404)
        try:
            return await to_thread.run_sync(read, self.settings.store_url, sha256)
        except InstrumentNotFoundError as error:
            raise HTTPException(404) from error


class _DeviceClaim(BaseModel):
    """JSON body by which the browser that opened an invitation identifies its device."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    page: bool = False
    """Whether it needs the form; without a kept cookie another page had to be sent."""


async def _read_claim(request: Request) -> _DeviceClaim | None:
    """Return the device claim in the body; None if it is not what the page sends."""
    try:
        content = await read_limited_body(request, MAX_CLAIM_BYTES)
        return _DeviceClaim.model_validate_json(content)
    except (BodyTooLargeError, ClientDisconnect, ValidationError):
        return None


def _build_draft_key(token: str) -> str:
    return digest(token)[:DRAFT_KEY_LENGTH]


def full_groups_payload(full: Iterable[FullQuotaGroup]) -> list[dict[str, Any]]:
    """Return full quota groups as JSON objects, each with the fields that define the group."""
    return [
        {name: value for name, value in vars(group).items() if value is not None} for group in full
    ]


def routes(settings: Settings, limit: RateLimit, write_queue: WriteQueue) -> list[BaseRoute]:
    """Return the routes of invitation links and questionnaires."""
    read_queue = WriteQueue(settings.store_url, run_reads)
    endpoints = _InvitationEndpoints(settings, limit, write_queue, read_queue)
    return [
        Route("/q/{token}", endpoints.get_page, methods=["GET"]),
        Route("/q/{token}", endpoints.post_opened, methods=["POST"]),
        Route("/form/{sha256}.json", endpoints.get_form, methods=["GET"]),
        Route(picture_url("{sha256}"), endpoints.get_picture, methods=["GET"]),
    ]
