"""The first step: name and password, or a surveyor's one-time code."""

from functools import partial
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.access.passwords import matches
from survey.access.sign_in_codes import enter_with_code, knock_with_code, typed_code
from survey.access.signing_in import Knock, SignInRefused, begin, knock, refuse
from survey.access.tries import TooManyTries
from survey.locale import SurveyError
from survey.store.tables import now
from survey.web.auth.door import Door
from survey.web.auth.forms import Field, Form, Sheet, own_form
from survey.web.render import fragment
from survey.web.security import safe_path


class Login:
    """`/auth/login` and `/auth/code`."""

    def __init__(self, door: Door) -> None:
        self.door = door

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/auth/login", self.ask, methods=["GET"]),
            Route("/auth/login", self.enter, methods=["POST"]),
            Route("/auth/code", self.ask_code, methods=["GET"]),
            Route("/auth/code", self.enter_with_code, methods=["POST"]),
        ]

    async def ask(self, request: Request) -> Response:
        return self.door.draw(request, self._sheet(request, request.query_params.get("next", "")))

    async def enter(self, request: Request) -> Response:
        busy = self.door.busy(request)
        if busy is not None:
            return busy
        form = await own_form(request)
        login, password = form.get("login", ""), form.get("password", "")
        address = self.door.address(request)
        try:
            knocked = await self.door.write(
                lambda session: knock(session=session, login=login, address=address, now=now())
            )
            if not await self.door.slowly(partial(matches, knocked.password_hash, password)):
                raise await self._refusal(knocked, "password")
            secret = await self.door.write(
                lambda session: begin(
                    session=session, knocked=knocked, password=password, address=address,
                    then=safe_path(form.get("next")), now=now(),
                )
            )  # fmt: skip
            return await self.door.onward(request, secret)
        except SurveyError as error:
            sheet = self._sheet(request, form.get("next", ""), login, error)
            return self.door.draw(request, sheet, status=_status(error))

    async def ask_code(self, request: Request) -> Response:
        login = request.query_params.get("login", "")[:64]
        return self.door.draw(request, self._code_sheet(request, login))

    async def enter_with_code(self, request: Request) -> Response:
        busy = self.door.busy(request)
        if busy is not None:
            return busy
        form = await own_form(request)
        login, code = form.get("login", ""), typed_code(form.get("code", ""))
        address = self.door.address(request)
        try:
            knocked = await self.door.write(
                lambda session: knock_with_code(
                    session=session, login=login, address=address, now=now()
                )
            )
            if not await self.door.slowly(partial(matches, knocked.password_hash, code)):
                raise await self._refusal(knocked, "code")
            secret = await self.door.write(
                lambda session: enter_with_code(
                    session=session, knocked=knocked, address=address, limits=self.door.limits,
                    now=now(),
                )
            )  # fmt: skip
        except SurveyError as error:
            sheet = self._code_sheet(request, login, error)
            return self.door.draw(request, sheet, status=_status(error))
        return await self.door.admit(request, secret, "/tasks")

    async def _refusal(self, knocked: Knock, how: str) -> SignInRefused:
        return await self.door.write(
            lambda session: refuse(session=session, knocked=knocked, how=how, now=now())
        )

    def _sheet(
        self, request: Request, target: str, login: str = "", error: SurveyError | None = None
    ) -> Sheet:
        t, settings = self.door.t(request), self.door.settings
        main = Form(
            "/auth/login",
            t("Sign in"),
            (
                Field("login", t("Login"), complete="username", value=login[:64]),
                Field("password", t("Password"), "password", "current-password"),
            ),
            hidden=(("next", safe_path(target)),),
        )
        parts: tuple[str, ...] = ()
        if settings.oidc_issuer:
            words = t("Sign in with {name}", name=settings.oidc_name or settings.oidc_issuer)
            query = urlencode({"next": safe_path(target)})
            parts = (fragment("auth_button", address=f"/auth/outside?{query}", words=words),)
        return Sheet(
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

    def _code_sheet(self, request: Request, login: str, error: SurveyError | None = None) -> Sheet:
        t = self.door.t(request)
        fields = (
            Field("login", t("Login"), complete="username", value=login[:64]),
            Field("code", t("One-time code"), complete="one-time-code"),
        )
        return Sheet(
            title=t("Sign in with a printed code"),
            text=t("Your supervisor hands out these codes. Each one works once."),
            problem=t(error.message) if error else "",
            forms=(Form("/auth/code", t("Sign in"), fields),),
            links=(("/auth/login", t("Sign in with a password")),),
        )


def _status(error: SurveyError) -> int:
    return 429 if isinstance(error, TooManyTries) else 403
