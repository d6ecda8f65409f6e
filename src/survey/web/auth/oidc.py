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
        return [
            Route("/auth/outside", self.leave, methods=["GET"]),
            Route(OIDC_CALLBACK_PATH, self.back, methods=["GET"]),
        ]

    async def leave(self, request: Request) -> Response:
        """A link, not a form: a form of a page of ours may not lead to another site."""
        refusal = self.context.too_many_requests(request)
        if refusal is not None:
            return refusal
        if not is_same_site(request, self.context.settings):
            raise HTTPException(403)
        then = safe_path(request.query_params.get("next"))
        try:
            question, address = await to_thread.run_sync(self._provider(request).ask, then)
        except SurveyError as error:
            return self._refused(request, error.message, 503)
        secret = await self.context.write(
            lambda session: save_oidc_request(session=session, question=question, now=now())
        )
        response = redirect_response(address)
        self.context.set_step_cookie(response, request, secret)
        return response

    async def back(self, request: Request) -> Response:
        refusal = self.context.too_many_requests(request)
        if refusal is not None:
            return refusal
        params = request.query_params
        secret = request.cookies.get(STEP_COOKIE)
        try:
            question = await self.context.write(
                lambda session: pop_oidc_request(
                    session=session, secret=secret, state=params.get("state", ""), now=now()
                )
            )
            if not params.get("code"):
                return self._refused(request, msg("You were not signed in."), 403)
            vouched = await to_thread.run_sync(
                partial(self._provider(request).answer, question, params["code"])
            )
            step = await self.context.write(
                lambda session: start_oidc_sign_in(
                    session=session, vouched=vouched, then=question.redirect_to, now=now(),
                    second_factor=self.context.settings.oidc_second_factor,
                )
            )  # fmt: skip
            if step is None:
                raise OidcAccountNotFoundError
            return await self.context.next_step(request, step)
        except SurveyError as error:
            return self._refused(request, error.message, 403)

    def _provider(self, request: Request) -> OidcClient:
        settings = self.context.settings
        origin = settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
        return OidcClient(settings, f"{origin}{OIDC_CALLBACK_PATH}")

    def _refused(self, request: Request, message: Message, status: int) -> Response:
        t = self.context.t(request)
        sheet = AuthPage(
            t("You are not signed in"), t(message), links=(("/auth/login", t("Sign in")),)
        )
        return self.context.render(request, sheet, status=status)
