"""Pages `/auth/login` (name and password) and `/auth/code` (a surveyor's one-time code)."""

from functools import partial
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.access.attempt_limits import TooManyAttemptsError
from survey.access.second_factor import normalise_code
from survey.access.secret_hashes import verify_password
from survey.access.sign_in import (
    CredentialLookup,
    SignInRefusedError,
    look_up_credentials,
    open_sign_in,
    record_refused_sign_in,
)
from survey.access.sign_in_codes import look_up_code, redeem_code
from survey.locale import SurveyError
from survey.store.tables import now
from survey.web.auth.pages import AuthContext, AuthPage, FormField, FormSpec, PagePart
from survey.web.http import safe_path


class LoginEndpoints:
    """Endpoints of both pages."""

    def __init__(self, context: AuthContext) -> None:
        self.context = context

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the endpoints."""
        return [
            Route("/auth/login", self.get_form, methods=["GET"]),
            Route("/auth/login", self.post_form, methods=["POST"]),
            Route("/auth/code", self.get_code_form, methods=["GET"]),
            Route("/auth/code", self.post_code, methods=["POST"]),
        ]

    async def get_form(self, request: Request) -> Response:
        """`GET /auth/login`."""
        return self.context.render(
            request, self._build_login_page(request, request.query_params.get("next", ""))
        )

    async def post_form(self, request: Request) -> Response:
        """`POST /auth/login`: verify the password and go on to the next step."""
        refusal = self.context.too_many_requests(request)
        if refusal is not None:
            return refusal
        form = await self.context.read_form(request)
        login, password = form.get("login", ""), form.get("password", "")
        address = self.context.address(request)
        try:
            lookup = await self.context.write(
                lambda session: look_up_credentials(
                    session=session, login=login, address=address, now=now()
                )
            )
            if not await self.context.run_hashing(
                partial(verify_password, lookup.password_hash, password)
            ):
                raise await self._record_refusal(lookup, "password")
            secret = await self.context.write(
                lambda session: open_sign_in(
                    session=session,
                    lookup=lookup,
                    password=password,
                    address=address,
                    redirect_to=safe_path(form.get("next")),
                    now=now(),
                )
            )
            return await self.context.next_step(request, secret)
        except SurveyError as error:
            page = self._build_login_page(request, form.get("next", ""), login, error)
            return self.context.render(request, page, status=_choose_status(error))

    async def get_code_form(self, request: Request) -> Response:
        """`GET /auth/code`."""
        login = request.query_params.get("login", "")[:64]
        return self.context.render(request, self._build_code_page(request, login))

    async def post_code(self, request: Request) -> Response:
        """`POST /auth/code`: sign in a surveyor with a one-time code."""
        refusal = self.context.too_many_requests(request)
        if refusal is not None:
            return refusal
        form = await self.context.read_form(request)
        login, code = form.get("login", ""), normalise_code(form.get("code", ""))
        address = self.context.address(request)
        try:
            lookup = await self.context.write(
                lambda session: look_up_code(
                    session=session, login=login, address=address, now=now()
                )
            )
            if not await self.context.run_hashing(
                partial(verify_password, lookup.password_hash, code)
            ):
                raise await self._record_refusal(lookup, "code")
            secret = await self.context.write(
                lambda session: redeem_code(
                    session=session,
                    lookup=lookup,
                    address=address,
                    limits=self.context.limits,
                    now=now(),
                )
            )
        except SurveyError as error:
            page = self._build_code_page(request, login, error)
            return self.context.render(request, page, status=_choose_status(error))
        return await self.context.start_session(request, secret, "/tasks")

    async def _record_refusal(self, lookup: CredentialLookup, method: str) -> SignInRefusedError:
        return await self.context.write(
            lambda session: record_refused_sign_in(
                session=session, lookup=lookup, how=method, now=now()
            )
        )

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
