"""Pages to sign in by password, by one-time code or as a demo role, and to sign out."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.access.attempt_limits import TooManyAttemptsError
from survey.access.roles import ROLES, Role, demo_purposes
from survey.access.second_factor import normalise_code
from survey.access.secret_hashes import verify_password
from survey.access.sessions import (
    COOKIE,
    SESSION_LIFETIME,
    DemoAccountMissingError,
    SignIn,
    sign_in_demo,
    sign_out,
)
from survey.access.sign_in import (
    CredentialLookup,
    look_up_credentials,
    open_sign_in,
    record_refused_sign_in,
)
from survey.access.sign_in_codes import look_up_code, redeem_code
from survey.locale import SurveyError, translator
from survey.settings import Settings
from survey.store.tables import now
from survey.store.transactions import run_in_transaction
from survey.web.auth.pages import AuthContext, AuthPage, FormField, FormSpec, PagePart
from survey.web.downloads import DOWNLOAD_STORE
from survey.web.http import (
    SESSION_COOKIE,
    RateLimit,
    is_same_site,
    read_form,
    redirect_response,
    safe_path,
)
from survey.web.notice_pages import (
    SUBMIT_URL,
    HtmlPage,
    html_response,
    negotiate_language,
    require_turn,
)


@dataclass(frozen=True)
class _DemoSignInEndpoints:
    """Endpoints to sign in as a demo role and to sign out of any session."""

    settings: Settings
    limit: RateLimit

    async def get_roles(self, request: Request) -> Response:
        """`GET /auth/demo`: list the demo roles to choose from."""
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
        """`POST /auth/demo`: sign in as the chosen demo role."""
        if not self.settings.demo:
            raise HTTPException(404)
        require_turn(request, self.limit, self.settings)
        form = await read_form(request)
        # The start page names the role in the address: Streamlit drops a field called `role`.
        role = form.get("role") or request.query_params.get("role", "")
        if not is_same_site(request, self.settings) or role not in demo_purposes():
            raise HTTPException(403)
        try:
            secret = await to_thread.run_sync(
                run_in_transaction,
                self.settings.store_url,
                lambda session: sign_in_demo(SignIn(session, now()), Role(role)),
            )
        except DemoAccountMissingError as error:
            raise HTTPException(404) from error
        response = redirect_response(safe_path(form.get("next")))
        max_age = int(SESSION_LIFETIME.total_seconds())
        SESSION_COOKIE.save(response, request, self.settings, secret, max_age)
        return response

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
        """`POST /auth/logout`: end the session and drop its prepared downloads."""
        if not is_same_site(request, self.settings):
            raise HTTPException(403)
        secret = request.cookies.get(COOKIE)

        def sign_out_here() -> None:
            if secret:
                DOWNLOAD_STORE.forget(secret)
            run_in_transaction(
                self.settings.store_url, lambda session: sign_out(session, secret, now())
            )

        await to_thread.run_sync(sign_out_here)
        response = redirect_response("/")
        SESSION_COOKIE.delete(response)
        return response


def routes(settings: Settings, limit: RateLimit) -> list[BaseRoute]:
    """Return the routes to sign in as a demo role and to sign out."""
    endpoints = _DemoSignInEndpoints(settings, limit)
    return [
        Route("/auth/demo", endpoints.get_roles, methods=["GET"]),
        Route("/auth/demo", endpoints.post_demo_sign_in, methods=["POST"]),
        Route("/auth/logout", endpoints.get_sign_out, methods=["GET"]),
        Route("/auth/logout", endpoints.post_sign_out, methods=["POST"]),
    ]


class LoginEndpoints:
    """Endpoints to sign in with a password or with a surveyor's one-time code."""

    def __init__(self, context: AuthContext) -> None:
        self.context = context

    def routes(self) -> list[BaseRoute]:
        """Return the routes of `/auth/login` and `/auth/code`."""
        return [
            Route("/auth/login", self.get_form, methods=["GET"]),
            Route("/auth/login", self.post_form, methods=["POST"]),
            Route("/auth/code", self.get_code_form, methods=["GET"]),
            Route("/auth/code", self.post_code, methods=["POST"]),
        ]

    async def get_form(self, request: Request) -> Response:
        """`GET /auth/login`: show the form for login and password."""
        return self.context.render(
            request, self._build_login_page(request, request.query_params.get("next", ""))
        )

    async def post_form(self, request: Request) -> Response:
        """`POST /auth/login`: verify the password and redirect to the next step of the sign-in."""
        form = await self.context.read_form(request)
        login, password = form.get("login", ""), form.get("password", "")
        target = safe_path(form.get("next"))
        try:
            lookup = await self._verify(request, look_up_credentials, login, password, "password")
            secret = await self.context.write(
                request,
                lambda sign_in: open_sign_in(
                    sign_in, lookup, password=password, redirect_to=target
                ),
            )
            return await self.context.next_step(request, secret)
        except SurveyError as error:
            page = self._build_login_page(request, form.get("next", ""), login, error)
            return self.context.render(request, page, status=_choose_status(error))

    async def get_code_form(self, request: Request) -> Response:
        """`GET /auth/code`: show the form for a surveyor's one-time code."""
        login = request.query_params.get("login", "")[:64]
        return self.context.render(request, self._build_code_page(request, login))

    async def post_code(self, request: Request) -> Response:
        """`POST /auth/code`: sign in a surveyor with a one-time code."""
        form = await self.context.read_form(request)
        login, code = form.get("login", ""), normalise_code(form.get("code", ""))
        try:
            lookup = await self._verify(request, look_up_code, login, code, "code")
            secret = await self.context.write(
                request, lambda sign_in: redeem_code(sign_in, lookup, self.context.limits)
            )
        except SurveyError as error:
            page = self._build_code_page(request, login, error)
            return self.context.render(request, page, status=_choose_status(error))
        return await self.context.start_session(request, secret, "/tasks")

    async def _verify(
        self,
        request: Request,
        look_up: Callable[[SignIn, str], CredentialLookup],
        login: str,
        typed: str,
        how: str,
    ) -> CredentialLookup:
        """Return what `look_up` finds for a login; raise, noting `how`, unless `typed` fits."""
        lookup = await self.context.write(request, lambda sign_in: look_up(sign_in, login))
        verify = partial(verify_password, lookup.password_hash, typed)
        if not await self.context.run_hashing(verify):
            raise await self.context.write(
                request, lambda sign_in: record_refused_sign_in(sign_in, lookup, how=how)
            )
        return lookup

    def _build_login_page(
        self, request: Request, target: str, login: str = "", error: SurveyError | None = None
    ) -> AuthPage:
        t, settings = self.context.t(request), self.context.settings
        main = FormSpec(
            "/auth/login",
            t("Sign in"),
            (
                FormField("login", t("Login"), complete="username", value=login[:64]),
                FormField("password", t("Password"), "password", "current-password"),
            ),
            hidden=(("next", safe_path(target)),),
        )
        parts: tuple[PagePart, ...] = ()
        if settings.oidc_issuer:
            text = t("Sign in with {name}", name=settings.oidc_name or settings.oidc_issuer)
            query = urlencode({"next": safe_path(target)})
            parts = (PagePart("button", text, address=f"/auth/outside?{query}"),)
        return AuthPage(
            title=t("Sign in"),
            text=t("Accounts are given out by the administrator of this system."),
            problem=t(error.message) if error else "",
            parts=parts,
            forms=(main,),
            links=(
                ("/auth/code", t("Surveyors: sign in with a printed code")),
                ("/", t("To the start page")),
            ),
        )

    def _build_code_page(
        self, request: Request, login: str, error: SurveyError | None = None
    ) -> AuthPage:
        t = self.context.t(request)
        fields = (
            FormField("login", t("Login"), complete="username", value=login[:64]),
            FormField("code", t("One-time code"), complete="one-time-code"),
        )
        return AuthPage(
            title=t("Sign in with a printed code"),
            text=t("Your supervisor hands out these codes. Each one works once."),
            problem=t(error.message) if error else "",
            forms=(FormSpec("/auth/code", t("Sign in"), fields),),
            links=(("/auth/login", t("Sign in with a password")),),
        )


def _choose_status(error: SurveyError) -> int:
    return 429 if isinstance(error, TooManyAttemptsError) else 403
