"""The steps after the first: second factor, own password, setting up a phone, session."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.access.credentials import linked_account
from survey.access.second_factor import Enrolment, FactorWrong
from survey.access.signing_in import (
    Next,
    Progress,
    StepOver,
    choose_password,
    finish_enrolment,
    progress,
    prove_factor,
    show_enrolment,
    try_factor,
    use_link,
)
from survey.access.tries import TooManyTries
from survey.locale import SurveyError
from survey.store.tables import now
from survey.web.auth.door import STEP_COOKIE, Door
from survey.web.auth.forms import Field, Form, Sheet, own_form
from survey.web.auth.words import (
    advice,
    code_field,
    enrolment_sheet,
    password_field,
    recovery_sheet,
)


class Steps:
    """`/auth/step…` and `/auth/setup/<token>`."""

    def __init__(self, door: Door) -> None:
        self.door = door

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/auth/step", self.show, methods=["GET"]),
            Route("/auth/step/factor", self.factor, methods=["POST"]),
            Route("/auth/step/password", self.password, methods=["POST"]),
            Route("/auth/step/enrol", self.enrol, methods=["POST"]),
            Route("/auth/step/done", self.done, methods=["POST"]),
            Route("/auth/setup/{token}", self.look_at_link, methods=["GET"]),
            Route("/auth/setup/{token}", self.use_link, methods=["POST"]),
        ]

    async def show(self, request: Request, error: SurveyError | None = None) -> Response:
        """The form of whatever is missing next."""
        try:
            where = await self._where(request)
            sheet = await self._sheet(request, where, error)
        except StepOver as over:
            return self._over(request, over)
        status = 429 if isinstance(error, TooManyTries) else 403 if error else 200
        return self.door.draw(request, sheet, status=status)

    async def factor(self, request: Request) -> Response:
        async def take(form: dict[str, str], secret: str | None) -> None:
            address = self.door.address(request)
            await self.door.write(
                lambda session: try_factor(
                    session=session, secret=secret, address=address, now=now()
                )
            )
            right = await self.door.write(
                lambda session: prove_factor(
                    session=session, secret=secret, code=form.get("code", "")[:64],
                    address=address, now=now(),
                )
            )  # fmt: skip
            if not right:
                raise FactorWrong

        return await self._take(request, take)

    async def password(self, request: Request) -> Response:
        async def take(form: dict[str, str], secret: str | None) -> None:
            await self.door.write(
                lambda session: choose_password(
                    session=session, secret=secret, password=form.get("password", ""), now=now()
                )
            )

        return await self._take(request, take)

    async def enrol(self, request: Request) -> Response:
        busy = self.door.busy(request)
        if busy is not None:
            return busy
        form, secret = await own_form(request), request.cookies.get(STEP_COOKIE)
        try:
            codes = await self.door.write(
                lambda session: finish_enrolment(
                    session=session, secret=secret, code=form.get("code", "")[:64], now=now()
                )
            )
        except StepOver as over:
            return self._over(request, over)
        except SurveyError as error:
            return await self.show(request, error)
        t = self.door.t(request)
        done = Form("/auth/step/done", t("I have kept the codes. Continue"))
        return self.door.draw(request, recovery_sheet(t, codes, done))

    async def done(self, request: Request) -> Response:
        async def take(_form: dict[str, str], _secret: str | None) -> None:
            return None

        return await self._take(request, take)

    async def look_at_link(self, request: Request) -> Response:
        """Looking uses nothing up: messengers open links to show a preview."""
        return await self._link_page(request)

    async def use_link(self, request: Request) -> Response:
        busy = self.door.busy(request)
        if busy is not None:
            return busy
        form, token = await own_form(request), request.path_params["token"]
        try:
            secret = await self.door.write(
                lambda session: use_link(
                    session=session, token=token, password=form.get("password", ""), now=now()
                )
            )
        except SurveyError as error:
            return await self._link_page(request, error)
        return await self.door.onward(request, secret)

    async def _link_page(self, request: Request, error: SurveyError | None = None) -> Response:
        t, token = self.door.t(request), request.path_params["token"]
        try:
            account = await self.door.write(
                lambda session: linked_account(session=session, token=token, now=now())
            )
        except SurveyError as unknown:
            sheet = Sheet(t("This link does not open anything"), t(unknown.message),
                          links=(("/auth/login", t("Sign in")),))  # fmt: skip
            return self.door.draw(request, sheet, status=410)
        sheet = Sheet(
            title=t("Choose your password"),
            text=t("Welcome, {name}. You sign in as {login}.", name=account.name,
                   login=account.login),
            problem=t(error.message) if error else "",
            advice=advice(t, error),
            forms=(Form(f"/auth/setup/{token}", t("Continue"), (password_field(t),)),),
        )  # fmt: skip
        return self.door.draw(request, sheet, status=403 if error else 200)

    async def _take(
        self, request: Request, take: Callable[[dict[str, str], str | None], Awaitable[None]]
    ) -> Response:
        """Take what a form brought; then the next step, or in when nothing is missing."""
        busy = self.door.busy(request)
        if busy is not None:
            return busy
        form, secret = await own_form(request), request.cookies.get(STEP_COOKIE)
        try:
            await take(form, secret)
            return await self.door.onward(request, secret)
        except StepOver as over:
            return self._over(request, over)
        except SurveyError as error:
            return await self.show(request, error)

    async def _where(self, request: Request) -> Progress:
        secret = request.cookies.get(STEP_COOKIE)
        return await self.door.write(
            lambda session: progress(session=session, secret=secret, now=now())
        )

    def _over(self, request: Request, over: StepOver) -> Response:
        t = self.door.t(request)
        sheet = Sheet(t("Please sign in again"), t(over.message),
                      links=(("/auth/login", t("Sign in")),))  # fmt: skip
        return self.door.draw(request, sheet, status=403)

    async def _sheet(self, request: Request, where: Progress, error: SurveyError | None) -> Sheet:
        t = self.door.t(request)
        problem = t(error.message) if error else ""
        if where.next is Next.FACTOR:
            return Sheet(
                title=t("Second factor"),
                text=t("Type the six-digit code that your authenticator app shows now."),
                problem=problem,
                forms=(
                    Form("/auth/step/factor", t("Continue"), (code_field(t),)),
                    Form(
                        "/auth/step/factor", t("Use this recovery code"),
                        (Field("code", t("Or, without your phone, a recovery code")),),
                        is_main=False,
                    ),
                ),
            )  # fmt: skip
        if where.next is Next.PASSWORD:
            return Sheet(
                title=t("Choose a password of your own"),
                text=t("The present one was given to you by somebody else."),
                problem=problem,
                advice=advice(t, error),
                forms=(Form("/auth/step/password", t("Continue"), (password_field(t),)),),
            )
        if where.next is Next.ENROL:
            text = t("Your role needs a second factor besides the password. It takes two minutes.")
            return enrolment_sheet(
                t, await self._enrolment(request), action="/auth/step/enrol", text=text,
                problem=problem,
            )  # fmt: skip
        return Sheet(
            title=t("You are ready"),
            text=t("Everything is set up."),
            forms=(Form("/auth/step/done", t("Continue")),),
        )

    async def _enrolment(self, request: Request) -> Enrolment:
        secret = request.cookies.get(STEP_COOKIE)
        return await self.door.write(
            lambda session: show_enrolment(session=session, secret=secret, now=now())
        )
