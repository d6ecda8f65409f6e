"""The respondent's door: a bare page behind a one-time link, and the questionnaire it asks for.

The page's script tells that somebody really opened it (`POST`), and only that binds the link to the
device: programs that fetch links to check them run no script and take no code away from anybody.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Annotated, Any

import orjson
from anyio import to_thread
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.access.tokens import MAX_TOKEN_CHARS, digest, new_token
from survey.fieldwork.device_binding import OpenedOnOtherDeviceError, record_other_device
from survey.fieldwork.instruments import InstrumentNotFoundError, load_instrument
from survey.fieldwork.invitations import InvitationPageData, open_invitation, read_invitation
from survey.fieldwork.quota_counts import FullQuotaGroup
from survey.instrument.browser_payload import browser_form
from survey.instrument.model import Instrument
from survey.locale import SurveyError, translator
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.web import request_body
from survey.web.compression import CachedBody, cached_response
from survey.web.contact import phone_endpoint_config
from survey.web.form_texts import screen_language, texts_for
from survey.web.html import HtmlPage, html_response, negotiate_language, render_template
from survey.web.notice_pages import SUBMIT_URL, render_invitation_error, render_too_many_requests
from survey.web.rate_limit import RateLimit, client_address
from survey.web.request_body import BodyTooLargeError, read_body
from survey.web.security import PAGE_HEADERS, is_https, is_same_site
from survey.web.write_queue import WriteQueue

JSON = "application/json"
DRAFT_KEY_LENGTH = 24
DEVICE_COOKIE = "survey_device"
DEVICE_BITS = 128
DEVICE_LIFETIME = 30 * 24 * 3600
"""Seconds; as long as the form keeps what was answered."""
MAX_CLAIM_BYTES = 512
_SHA256 = re.compile("[0-9a-f]{64}")


def form_url(sha256: str) -> str:
    return f"/form/{sha256}.json"


def language_codes(instrument: Instrument) -> tuple[str, ...]:
    return tuple(language.code for language in instrument.languages)


@lru_cache(maxsize=64)
def form_body(store_url: str, sha256: str) -> CachedBody:
    """The questionnaire as the browser reads it; versions never change, so it is made once."""
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


def _record_other_device(token: str, session: Session) -> None:
    record_other_device(session=session, token=token, now=now())


@dataclass(frozen=True)
class _InvitationEndpoints:
    settings: Settings
    limit: RateLimit
    write_queue: WriteQueue

    async def page(self, request: Request) -> Response:
        """`GET /q/{token}`."""
        default = self.settings.language
        wait = self.limit.wait(client_address(request, self.settings.trusted_proxies))
        if wait:
            return render_too_many_requests(request, wait, default)
        token = request.path_params["token"]
        secret = _secret(request)
        try:
            shown = await self.write_queue.submit(partial(_read_page, token, secret))
        except OpenedOnOtherDeviceError as refusal:
            await self.write_queue.submit(partial(_record_other_device, token))
            return render_invitation_error(request, refusal, default, draft_key=_draft_key(token))
        except SurveyError as refusal:
            return render_invitation_error(request, refusal, default)
        return self._with_cookie(request, self._form_page(request, token, *shown), secret)

    async def open(self, request: Request) -> Response:
        """`POST /q/{token}`: the device that shows the form; it may ask for the form again."""
        default = self.settings.language
        wait = self.limit.wait(client_address(request, self.settings.trusted_proxies))
        if wait:
            return render_too_many_requests(request, wait, default)
        try:
            claim = await _claim(request)
        except TimeoutError:
            return Response(status_code=408, headers={**PAGE_HEADERS, "Cache-Control": "no-store"})
        if claim is None or not is_same_site(request):
            raise HTTPException(403)
        token = request.path_params["token"]
        try:
            shown = await self.write_queue.submit(partial(_bind_device, token, claim))
        except OpenedOnOtherDeviceError as refusal:
            await self.write_queue.submit(partial(_record_other_device, token))
            return render_invitation_error(request, refusal, default)
        except SurveyError as refusal:
            return render_invitation_error(request, refusal, default)
        if shown is None:
            return Response(status_code=204, headers={**PAGE_HEADERS, "Cache-Control": "no-store"})
        boot = self._boot(request, token, *shown)
        return cached_response(request, CachedBody(orjson.dumps(boot), JSON), headers=PAGE_HEADERS)

    def _form_page(
        self, request: Request, token: str, invitation: InvitationPageData, instrument: Instrument
    ) -> Response:
        boot = self._boot(request, token, invitation, instrument)
        language = boot["language"]
        t = translator(screen_language(language, self.settings.language))
        body = render_template(
            "form",
            loading=t("One moment …"),
            no_script=t("This questionnaire needs JavaScript. Please turn it on and reload."),
        )
        title = instrument.title.get(language) or next(iter(instrument.title.values()), "")
        preload = f'<link rel="preload" href="{boot["form_url"]}" as="fetch" crossorigin>\n'
        return html_response(request, HtmlPage(language, title, body, boot, head=preload))

    def _boot(
        self, request: Request, token: str, invitation: InvitationPageData, instrument: Instrument
    ) -> dict[str, Any]:
        """What the script of the form is told."""
        codes = language_codes(instrument)
        language = negotiate_language(request, instrument.default_language, codes)
        t = translator(screen_language(language, self.settings.language))
        return {
            "kind": "form",
            "form_url": form_url(instrument.sha256),
            "submit_url": SUBMIT_URL,
            "draft_key": _draft_key(token),
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

    def _with_cookie(self, request: Request, response: Response, secret: str) -> Response:
        response.set_cookie(
            DEVICE_COOKIE,
            secret,
            max_age=DEVICE_LIFETIME,
            path="/q/",
            httponly=True,
            samesite="lax",
            secure=is_https(request, self.settings.trusted_proxies),
        )
        return response

    async def form(self, request: Request) -> Response:
        """`GET /form/{sha256}.json`."""
        sha256 = request.path_params["sha256"]
        if not _SHA256.fullmatch(sha256):
            raise HTTPException(404)
        try:
            body = await to_thread.run_sync(form_body, self.settings.store_url, sha256)
        except InstrumentNotFoundError as error:
            raise HTTPException(404) from error
        return cached_response(request, body, forever=True, headers=PAGE_HEADERS)


class _DeviceClaim(BaseModel):
    """What a page says about its device."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    page: bool = False
    """Whether it needs the form: where the cookie was not kept, another page had to be sent."""


async def _claim(request: Request) -> _DeviceClaim | None:
    """What the page says; None when a page of ours says no such thing."""
    try:
        content = await read_body(request, MAX_CLAIM_BYTES, request_body.SECONDS)
        return _DeviceClaim.model_validate_json(content)
    except (BodyTooLargeError, ClientDisconnect, ValidationError):
        return None


def _secret(request: Request) -> str:
    """The secret of the device, or a new one."""
    kept = request.cookies.get(DEVICE_COOKIE, "")
    return kept if 0 < len(kept) <= MAX_TOKEN_CHARS else new_token(bits=DEVICE_BITS)


def _draft_key(token: str) -> str:
    return digest(token)[:DRAFT_KEY_LENGTH]


def full_groups_payload(full: Iterable[FullQuotaGroup]) -> list[dict[str, Any]]:
    """Who is not needed any more, as the form reads it; what a group leaves open is absent."""
    return [
        {name: value for name, value in vars(group).items() if value is not None} for group in full
    ]


def routes(settings: Settings, limit: RateLimit, desk: WriteQueue) -> list[BaseRoute]:
    door = _InvitationEndpoints(settings, limit, desk)
    return [
        Route("/q/{token}", door.page, methods=["GET"]),
        Route("/q/{token}", door.open, methods=["POST"]),
        Route("/form/{sha256}.json", door.form, methods=["GET"]),
    ]
