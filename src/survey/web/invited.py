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

from survey.access.tokens import LONGEST, digest, new_token
from survey.fieldwork.devices import OpenedElsewhere, mark_other_device
from survey.fieldwork.instruments import InstrumentUnknown, load_instrument
from survey.fieldwork.invitations import InvitedPage, open_invitation, read_invitation
from survey.fieldwork.places import FullGroup
from survey.instrument.browser import browser_form
from survey.instrument.model import Instrument
from survey.locale import SurveyError, translator
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.web import bodies
from survey.web.bodies import BodyTooLarge, read_body
from survey.web.contact import phone_door
from survey.web.desk import Desk
from survey.web.encoding import Body, send
from survey.web.limits import RateLimit, client_address
from survey.web.notices import SUBMIT_URL, show_busy, show_refusal
from survey.web.render import Page, fragment, reader_language, respond
from survey.web.security import PAGE_HEADERS, is_https, is_same_site
from survey.web.texts import screen_language, texts_for

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
def form_body(store_url: str, sha256: str) -> Body:
    """The questionnaire as the browser reads it; versions never change, so it is made once."""
    with read_scope(store_url) as session:
        instrument = load_instrument(session=session, sha256=sha256)
    return Body(orjson.dumps(browser_form(instrument)), JSON)


Shown = tuple[InvitedPage, Instrument]


def _look(token: str, secret: str, session: Session) -> Shown:
    page = read_invitation(session=session, token=token, now=now(), secret=secret)
    return page, load_instrument(session=session, sha256=page.instrument_sha256)


def _open(token: str, claim: "_Claim", session: Session) -> Shown | None:
    open_invitation(session=session, token=token, proof=claim.device, now=now())
    if not claim.page:
        return None
    page = read_invitation(session=session, token=token, now=now(), proof=claim.device)
    return page, load_instrument(session=session, sha256=page.instrument_sha256)


def _mark(token: str, session: Session) -> None:
    mark_other_device(session=session, token=token, now=now())


@dataclass(frozen=True)
class _Door:
    settings: Settings
    limit: RateLimit
    desk: Desk

    async def page(self, request: Request) -> Response:
        """`GET /q/{token}`."""
        default = self.settings.language
        wait = self.limit.wait(client_address(request, self.settings.trusted_proxies))
        if wait:
            return show_busy(request, wait, default)
        token = request.path_params["token"]
        secret = _secret(request)
        try:
            shown = await self.desk.hand_over(partial(_look, token, secret))
        except OpenedElsewhere as refusal:
            await self.desk.hand_over(partial(_mark, token))
            return show_refusal(request, refusal, default, draft_key=_draft_key(token))
        except SurveyError as refusal:
            return show_refusal(request, refusal, default)
        return self._with_cookie(request, self._form_page(request, token, *shown), secret)

    async def open(self, request: Request) -> Response:
        """`POST /q/{token}`: the device that shows the form; it may ask for the form again."""
        default = self.settings.language
        wait = self.limit.wait(client_address(request, self.settings.trusted_proxies))
        if wait:
            return show_busy(request, wait, default)
        try:
            claim = await _claim(request)
        except TimeoutError:
            return Response(status_code=408, headers={**PAGE_HEADERS, "Cache-Control": "no-store"})
        if claim is None or not is_same_site(request):
            raise HTTPException(403)
        token = request.path_params["token"]
        try:
            shown = await self.desk.hand_over(partial(_open, token, claim))
        except OpenedElsewhere as refusal:
            await self.desk.hand_over(partial(_mark, token))
            return show_refusal(request, refusal, default)
        except SurveyError as refusal:
            return show_refusal(request, refusal, default)
        if shown is None:
            return Response(status_code=204, headers={**PAGE_HEADERS, "Cache-Control": "no-store"})
        boot = self._boot(request, token, *shown)
        return send(request, Body(orjson.dumps(boot), JSON), headers=PAGE_HEADERS)

    def _form_page(
        self, request: Request, token: str, invitation: InvitedPage, instrument: Instrument
    ) -> Response:
        boot = self._boot(request, token, invitation, instrument)
        language = boot["language"]
        t = translator(screen_language(language, self.settings.language))
        body = fragment(
            "form",
            loading=t("One moment …"),
            no_script=t("This questionnaire needs JavaScript. Please turn it on and reload."),
        )
        title = instrument.title.get(language) or next(iter(instrument.title.values()), "")
        preload = f'<link rel="preload" href="{boot["form_url"]}" as="fetch" crossorigin>\n'
        return respond(request, Page(language, title, body, boot, head=preload))

    def _boot(
        self, request: Request, token: str, invitation: InvitedPage, instrument: Instrument
    ) -> dict[str, Any]:
        """What the script of the form is told."""
        codes = language_codes(instrument)
        language = reader_language(request, instrument.default_language, codes)
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
                "full": full_for_form(invitation.full),
                **phone_door(self.settings),
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
        except InstrumentUnknown as error:
            raise HTTPException(404) from error
        return send(request, body, forever=True, headers=PAGE_HEADERS)


class _Claim(BaseModel):
    """What a page says about its device."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    page: bool = False
    """Whether it needs the form: where the cookie was not kept, another page had to be sent."""


async def _claim(request: Request) -> _Claim | None:
    """What the page says; None when a page of ours says no such thing."""
    try:
        content = await read_body(request, MAX_CLAIM_BYTES, bodies.SECONDS)
        return _Claim.model_validate_json(content)
    except (BodyTooLarge, ClientDisconnect, ValidationError):
        return None


def _secret(request: Request) -> str:
    """The secret of the device, or a new one."""
    kept = request.cookies.get(DEVICE_COOKIE, "")
    return kept if 0 < len(kept) <= LONGEST else new_token(bits=DEVICE_BITS)


def _draft_key(token: str) -> str:
    return digest(token)[:DRAFT_KEY_LENGTH]


def full_for_form(full: Iterable[FullGroup]) -> list[dict[str, Any]]:
    """Who is not needed any more, as the form reads it; what a group leaves open is absent."""
    return [
        {name: value for name, value in vars(group).items() if value is not None} for group in full
    ]


def routes(settings: Settings, limit: RateLimit, desk: Desk) -> list[BaseRoute]:
    door = _Door(settings, limit, desk)
    return [
        Route("/q/{token}", door.page, methods=["GET"]),
        Route("/q/{token}", door.open, methods=["POST"]),
        Route("/form/{sha256}.json", door.form, methods=["GET"]),
    ]
