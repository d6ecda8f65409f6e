"""`/auth/outside`: signing in through an OpenID Connect provider, where one is configured."""

from functools import partial

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from survey.access.outside import NobodyOutside, remember_question, take_question, vouch
from survey.locale import Message, SurveyError, msg
from survey.store.tables import now
from survey.web.auth.door import STEP_COOKIE, Door
from survey.web.auth.forms import NO_STORE, Sheet
from survey.web.auth.provider import Provider
from survey.web.security import is_same_site, safe_path

BACK = "/auth/outside/back"


class Outside:
    """To the provider and back; what comes back must belong to what was asked in this browser."""

    def __init__(self, door: Door) -> None:
        self.door = door

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/auth/outside", self.leave, methods=["GET"]),
            Route(BACK, self.back, methods=["GET"]),
        ]

    async def leave(self, request: Request) -> Response:
        """A link, not a form: a form of a page of ours may not lead to another site."""
        busy = self.door.busy(request)
        if busy is not None:
            return busy
        if not is_same_site(request):
            raise HTTPException(403)
        then = safe_path(request.query_params.get("next"))
        try:
            question, address = await to_thread.run_sync(self._provider(request).ask, then)
        except SurveyError as error:
            return self._refused(request, error.message, 503)
        secret = await self.door.write(
            lambda session: remember_question(session=session, question=question, now=now())
        )
        response = RedirectResponse(address, 303, headers=NO_STORE)
        self.door.keep(request, response, STEP_COOKIE, secret, "/auth")
        return response

    async def back(self, request: Request) -> Response:
        busy = self.door.busy(request)
        if busy is not None:
            return busy
        params = request.query_params
        secret = request.cookies.get(STEP_COOKIE)
        try:
            question = await self.door.write(
                lambda session: take_question(
                    session=session, secret=secret, state=params.get("state", ""), now=now()
                )
            )
            if not params.get("code"):
                return self._refused(request, msg("You were not signed in."), 403)
            vouched = await to_thread.run_sync(
                partial(self._provider(request).answer, question, params["code"])
            )
            step = await self.door.write(
                lambda session: vouch(
                    session=session, vouched=vouched, then=question.then, now=now(),
                    second_factor=self.door.settings.oidc_second_factor,
                )
            )  # fmt: skip
            if step is None:
                raise NobodyOutside
            return await self.door.onward(request, step)
        except SurveyError as error:
            return self._refused(request, error.message, 403)

    def _provider(self, request: Request) -> Provider:
        settings = self.door.settings
        origin = settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
        return Provider(settings, f"{origin}{BACK}")

    def _refused(self, request: Request, message: Message, status: int) -> Response:
        t = self.door.t(request)
        sheet = Sheet(
            t("You are not signed in"), t(message), links=(("/auth/login", t("Sign in")),)
        )
        return self.door.draw(request, sheet, status=status)
