"""The respondent's door: a bare page behind a one-time link, and the questionnaire it asks for."""

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import orjson
from anyio import to_thread
from sqlmodel import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.access.tokens import digest
from survey.fieldwork.instruments import InstrumentUnknown, load_instrument
from survey.fieldwork.invitations import OpenInvitation, open_invitation
from survey.instrument.browser import browser_form
from survey.instrument.model import Instrument
from survey.locale import SurveyError, translator
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.web.desk import Desk
from survey.web.encoding import Body, send
from survey.web.limits import RateLimit, client_address
from survey.web.notices import SUBMIT_URL, show_busy, show_refusal
from survey.web.render import Page, fragment, reader_language, respond
from survey.web.security import PAGE_HEADERS
from survey.web.texts import screen_language, texts_for

JSON = "application/json"
DRAFT_KEY_LENGTH = 24


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


def _open(token: str, session: Session) -> tuple[OpenInvitation, Instrument]:
    invitation = open_invitation(session=session, token=token, now=now())
    sha256 = invitation.instrument_sha256
    return invitation, load_instrument(session=session, sha256=sha256)


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
        try:
            opened = await self.desk.hand_over(partial(_open, token))
        except SurveyError as refusal:
            return show_refusal(request, refusal, default)
        return self._form_page(request, token, *opened)

    def _form_page(
        self, request: Request, token: str, invitation: OpenInvitation, instrument: Instrument
    ) -> Response:
        codes = language_codes(instrument)
        language = reader_language(request, instrument.default_language, codes)
        t = translator(screen_language(language, self.settings.language))
        boot: dict[str, Any] = {
            "kind": "form",
            "form_url": form_url(instrument.sha256),
            "submit_url": SUBMIT_URL,
            "draft_key": digest(token)[:DRAFT_KEY_LENGTH],
            "language": language,
            "texts": texts_for(codes, self.settings.language),
            "waiting": t("The network is slow. Trying again …"),
            "meta": {
                "submission": {"token": token},
                "place": dict(invitation.city_name),
                "is_demo": invitation.is_demo,
            },
        }
        body = fragment(
            "form",
            loading=t("One moment …"),
            no_script=t("This questionnaire needs JavaScript. Please turn it on and reload."),
        )
        title = instrument.title.get(language) or next(iter(instrument.title.values()), "")
        preload = f'<link rel="preload" href="{boot["form_url"]}" as="fetch" crossorigin>\n'
        return respond(request, Page(language, title, body, boot, head=preload))

    async def form(self, request: Request) -> Response:
        """`GET /form/{sha256}.json`."""
        sha256 = request.path_params["sha256"]
        try:
            body = await to_thread.run_sync(form_body, self.settings.store_url, sha256)
        except InstrumentUnknown as error:
            raise HTTPException(404) from error
        return send(request, body, forever=True, headers=PAGE_HEADERS)


def routes(settings: Settings, limit: RateLimit, desk: Desk) -> list[BaseRoute]:
    door = _Door(settings, limit, desk)
    return [
        Route("/q/{token}", door.page, methods=["GET"]),
        Route("/form/{sha256}.json", door.form, methods=["GET"]),
    ]
