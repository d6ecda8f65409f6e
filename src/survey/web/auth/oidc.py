"""Sign-in through an OpenID Connect provider, if one is configured (`/auth/outside`)."""

from functools import partial

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.access.oidc_identity import (
    OidcAccountNotFoundError,
    pop_oidc_request,
    save_oidc_request,
    start_oidc_sign_in,
)
from survey.locale import Message, SurveyError, msg
from survey.store.tables import now
from survey.web.auth.context import STEP_COOKIE, AuthContext
from survey.web.auth.oidc_client import OidcClient
from survey.web.auth.pages import AuthPage
from survey.web.http import is_same_site, redirect_response, safe_path

OIDC_CALLBACK_PATH = "/auth/outside/back"


class OidcEndpoints:
    """Redirect to the provider and its callback, which must belong to a request of this browser."""

    def __init__(self, context: AuthContext) -> None:
        self.context = context

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the endpoints."""
        return [
            Route("/auth/outside", self.get_provider_redirect, methods=["GET"]),
            Route(OIDC_CALLBACK_PATH, self.get_callback, methods=["GET"]),
        ]

    async def get_provider_redirect(self, request: Request) -> Response:
        """Redirect to the provider; a link, because the pages forbid forms to other sites."""
        refusal = self.context.too_many_requests(request)
        if refusal is not None:
            return refusal
        if not is_same_site(request, self.context.settings):
            raise HTTPException(403)
        target = safe_path(request.query_params.get("next"))
        try:
            oidc_request, address = await to_thread.run_sync(
                self._client(request).build_request, target
            )
        except SurveyError as error:
            return self._show_refusal(request, error.message, 503)
        secret = await self.context.write(
            lambda session: save_oidc_request(session=session, request=oidc_request, now=now())
        )
        response = redirect_response(address)
        self.context.set_step_cookie(response, request, secret)
        return response

    async def get_callback(self, request: Request) -> Response:
        """Exchange the provider's answer for a sign-in and go on to the next step."""
        refusal = self.context.too_many_requests(request)
        if refusal is not None:
            return refusal
        params = request.query_params
        secret = request.cookies.get(STEP_COOKIE)
        try:
            oidc_request = await self.context.write(
                lambda session: pop_oidc_request(
                    session=session, secret=secret, state=params.get("state", ""), now=now()
                )
            )
            if not params.get("code"):
                return self._show_refusal(request, msg("You were not signed in."), 403)
            identity = await to_thread.run_sync(
                partial(self._client(request).redeem, oidc_request, params["code"])
            )
            step = await self.context.write(
                lambda session: start_oidc_sign_in(
                    session=session,
                    identity=identity,
                    redirect_to=oidc_request.redirect_to,
                    second_factor=self.context.settings.oidc_second_factor,
                    now=now(),
                )
            )
            if step is None:
                raise OidcAccountNotFoundError
            return await self.context.next_step(request, step)
        except SurveyError as error:
            return self._show_refusal(request, error.message, 403)

    def _client(self, request: Request) -> OidcClient:
        settings = self.context.settings
        origin = settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
        return OidcClient(settings, f"{origin}{OIDC_CALLBACK_PATH}")

    def _show_refusal(self, request: Request, message: Message, status: int) -> Response:
        t = self.context.t(request)
        page = AuthPage(
            t("You are not signed in"), t(message), links=(("/auth/login", t("Sign in")),)
        )
        return self.context.render(request, page, status=status)
