"""Sign-in as a demo role (`/auth/demo`), and signing out (`/auth/logout`)."""

from dataclasses import dataclass

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.access.roles import ROLES, Role, demo_purposes
from survey.access.sessions import COOKIE, LIFETIME, DemoAccountMissingError, sign_in_demo, sign_out
from survey.locale import translator
from survey.settings import Settings
from survey.store.tables import now
from survey.store.transactions import run_in_transaction
from survey.web.downloads import DOWNLOAD_STORE
from survey.web.html import HtmlPage, html_response, negotiate_language
from survey.web.http import (
    RateLimit,
    delete_cookie,
    is_same_site,
    read_form,
    redirect_response,
    safe_path,
    set_cookie,
)
from survey.web.notice_pages import SUBMIT_URL, refuse_too_many_requests


@dataclass(frozen=True)
class _DemoSignInEndpoints:
    """Endpoints for demo roles, and for signing out of any session."""

    settings: Settings
    limit: RateLimit

    async def get_roles(self, request: Request) -> Response:
        """`GET /auth/demo`."""
        if not self.settings.demo:
            raise HTTPException(404)
        language = negotiate_language(request, self.settings.language)
        t = translator(language)
        title = t("Choose a role")
        values = {
            "platform": t("Hundred Cities Survey, demonstration"),
            "title": title,
            "text": t("Everything here is generated demo data. Each role sees its own pages."),
            "next": safe_path(request.query_params.get("next")),
            "roles": [
                {"key": role.value, "name": t(ROLES[role].name), "purpose": t(purpose)}
                for role, purpose in demo_purposes().items()
            ],
        }
        return html_response(request, HtmlPage("roles", language, title, values))

    async def post_demo_sign_in(self, request: Request) -> Response:
        """`POST /auth/demo`."""
        if not self.settings.demo:
            raise HTTPException(404)
        refusal = refuse_too_many_requests(request, self.limit, self.settings)
        if refusal is not None:
            return refusal
        form = await read_form(request)
        # The start page names the role in the address: Streamlit drops a field called `role`.
        role = form.get("role") or request.query_params.get("role", "")
        if not is_same_site(request, self.settings) or role not in demo_purposes():
            raise HTTPException(403)
        try:
            secret = await to_thread.run_sync(self._sign_in, Role(role))
        except DemoAccountMissingError as error:
            raise HTTPException(404) from error
        response = redirect_response(safe_path(form.get("next")))
        max_age = int(LIFETIME.total_seconds())
        set_cookie(response, request, self.settings, COOKIE, secret, max_age=max_age)
        return response

    def _sign_in(self, role: Role) -> str:
        return run_in_transaction(
            self.settings.store_url,
            lambda session: sign_in_demo(session=session, role=role, now=now()),
        )

    async def get_sign_out(self, request: Request) -> Response:
        """`GET /auth/logout`: its script signs out at once unless interviews wait to be sent."""
        language = negotiate_language(request, self.settings.language)
        t = translator(language)
        title = t("Sign out")
        values = {
            "title": title,
            "text": t("Signing out deletes the drafts of interviews on this device."),
            "stay": t("Stay signed in"),
            "leave": t("Sign out"),
        }
        boot = {
            "kind": "sign_out",
            "submit_url": SUBMIT_URL,
            "pending": t(
                "Interviews on this device waiting to be sent: {count}. "
                "Signing out now deletes them."
            ),
        }
        return html_response(request, HtmlPage("sign_out", language, title, values, boot))

    async def post_sign_out(self, request: Request) -> Response:
        """`POST /auth/logout`."""
        if not is_same_site(request, self.settings):
            raise HTTPException(403)
        await to_thread.run_sync(self._sign_out, request.cookies.get(COOKIE))
        response = redirect_response("/")
        delete_cookie(response, COOKIE)
        return response

    def _sign_out(self, secret: str | None) -> None:
        if secret:
            DOWNLOAD_STORE.forget(secret)
        run_in_transaction(
            self.settings.store_url,
            lambda session: sign_out(session=session, secret=secret, now=now()),
        )


def routes(settings: Settings, limit: RateLimit) -> list[BaseRoute]:
    """Return the routes of signing in as a demo role and of signing out."""
    endpoints = _DemoSignInEndpoints(settings, limit)
    return [
        Route("/auth/demo", endpoints.get_roles, methods=["GET"]),
        Route("/auth/demo", endpoints.post_demo_sign_in, methods=["POST"]),
        Route("/auth/logout", endpoints.get_sign_out, methods=["GET"]),
        Route("/auth/logout", endpoints.post_sign_out, methods=["POST"]),
    ]
