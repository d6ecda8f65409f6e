"""Signing in by choosing a demo role, and signing out."""

from dataclasses import dataclass

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from survey.access.principal import Role
from survey.access.sessions import COOKIE, LIFETIME, DemoAccountMissingError, sign_in_demo, sign_out
from survey.locale import Message, msg, translator
from survey.settings import Settings
from survey.store.tables import now
from survey.store.transactions import run_in_transaction
from survey.web.auth.forms import NO_STORE
from survey.web.downloads import DOWNLOAD_STORE
from survey.web.html import (
    HtmlPage,
    html_response,
    negotiate_language,
    render_template,
    render_wrapper,
)
from survey.web.notice_pages import SUBMIT_URL, render_too_many_requests
from survey.web.rate_limit import RateLimit, client_address
from survey.web.request_body import read_form
from survey.web.security import is_https, is_same_site, safe_path

DEMO_ROLES: dict[Role, tuple[Message, Message]] = {
    # Role -> what it is called and what it may be tried out for, on both pages that offer it.
    Role.NATIONAL_OFFICIAL: (
        msg("National official"),
        msg("Reads the national overview, every city and the special groups."),
    ),
    Role.PROVINCE_OFFICIAL: (
        msg("Province official"),
        msg("Reads every city of one province beside the nation."),
    ),
    Role.CITY_OFFICIAL: (
        msg("City official"),
        msg("Reads the score, strengths and gaps of one city."),
    ),
    Role.SURVEYOR: (
        msg("Surveyor"),
        msg("Hands out links, asks the questions, sees the own quota."),
    ),
    Role.TYPIST: (
        msg("Typist"),
        msg("Keys paper questionnaires without a mouse, some of them a second time."),
    ),
    Role.SUPERVISOR: (
        msg("Supervisor"),
        msg("Watches the progress of one city, reviews its interviews."),
    ),
    Role.ANALYST: (msg("Analyst"), msg("Reads results and how they were computed.")),
}


@dataclass(frozen=True)
class _DemoSignInEndpoints:
    settings: Settings
    limit: RateLimit

    async def choose(self, request: Request) -> Response:
        """`GET /auth/demo`."""
        if not self.settings.demo:
            raise HTTPException(404)
        language = negotiate_language(request, self.settings.language)
        t = translator(language)
        roles = "\n".join(
            render_template("role", role=role.value, name=t(name), purpose=t(purpose))
            for role, (name, purpose) in DEMO_ROLES.items()
        )
        title = t("Choose a role")
        body = render_wrapper(
            "roles",
            {"roles": roles},
            platform=t("Hundred Cities Survey, demonstration"),
            title=title,
            text=t("Everything here is generated demo data. Each role sees its own pages."),
            next=safe_path(request.query_params.get("next")),
        )
        return html_response(request, HtmlPage(language, title, body))

    async def post_demo_sign_in(self, request: Request) -> Response:
        """`POST /auth/demo`."""
        if not self.settings.demo:
            raise HTTPException(404)
        wait = self.limit.wait(client_address(request, self.settings.trusted_proxies))
        if wait:
            return render_too_many_requests(request, wait, self.settings.language)
        form = await read_form(request)
        # The start page names the role in the address: Streamlit drops a field called `role`.
        role = form.get("role") or request.query_params.get("role", "")
        if not is_same_site(request) or role not in set(DEMO_ROLES):
            raise HTTPException(403)
        try:
            secret = await to_thread.run_sync(self._sign_in, Role(role))
        except DemoAccountMissingError as error:
            raise HTTPException(404) from error
        response = RedirectResponse(safe_path(form.get("next")), 303, headers=NO_STORE)
        response.set_cookie(
            COOKIE,
            secret,
            max_age=int(LIFETIME.total_seconds()),
            httponly=True,
            samesite="lax",
            secure=is_https(request, self.settings.trusted_proxies),
        )
        return response

    def _sign_in(self, role: Role) -> str:
        return run_in_transaction(
            self.settings.store_url,
            lambda session: sign_in_demo(session=session, role=role, now=now()),
        )

    async def get_sign_out(self, request: Request) -> Response:
        """`GET /auth/logout`: leaves at once unless something on this device is still unsent."""
        language = negotiate_language(request, self.settings.language)
        t = translator(language)
        title = t("Sign out")
        body = render_template(
            "sign_out",
            title=title,
            text=t("Signing out deletes the drafts of interviews on this device."),
            stay=t("Stay signed in"),
            leave=t("Sign out"),
        )
        boot = {
            "kind": "sign_out",
            "submit_url": SUBMIT_URL,
            "pending": t(
                "Interviews on this device waiting to be sent: {count}. "
                "Signing out now deletes them."
            ),
        }
        return html_response(request, HtmlPage(language, title, body, boot))

    async def post_sign_out(self, request: Request) -> Response:
        """`POST /auth/logout`."""
        if not is_same_site(request):
            raise HTTPException(403)
        await to_thread.run_sync(self._sign_out, request.cookies.get(COOKIE))
        response = RedirectResponse("/", 303, headers=NO_STORE)
        response.delete_cookie(COOKIE, httponly=True, samesite="lax")
        return response

    def _sign_out(self, secret: str | None) -> None:
        if secret:
            DOWNLOAD_STORE.forget(secret)
        run_in_transaction(
            self.settings.store_url,
            lambda session: sign_out(session=session, secret=secret, now=now()),
        )


def routes(settings: Settings, limit: RateLimit) -> list[BaseRoute]:
    reception = _DemoSignInEndpoints(settings, limit)
    return [
        Route("/auth/demo", reception.choose, methods=["GET"]),
        Route("/auth/demo", reception.post_demo_sign_in, methods=["POST"]),
        Route("/auth/logout", reception.get_sign_out, methods=["GET"]),
        Route("/auth/logout", reception.post_sign_out, methods=["POST"]),
    ]
