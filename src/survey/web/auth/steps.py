"""Pages `/auth/step` and `/auth/setup`: what a sign-in requires after the password."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.access.attempt_limits import TooManyAttemptsError
from survey.access.credentials import get_account_of_link
from survey.access.second_factor import Enrolment, WrongFactorError
from survey.access.sign_in import (
    RequiredStep,
    SignInExpiredError,
    SignInState,
    choose_password,
    claim_factor_attempt,
    finish_enrolment,
    get_enrolment,
    get_sign_in_state,
    use_link,
    verify_factor_step,
)
from survey.locale import SurveyError
from survey.store.tables import now
from survey.web.auth.context import STEP_COOKIE, AuthContext
from survey.web.auth.pages import (
    AuthPage,
    FormField,
    FormSpec,
    code_field,
    enrolment_page,
    password_advice,
    password_field,
    recovery_code_page,
)


class SignInStepEndpoints:
    """`/auth/step…` and `/auth/setup/<token>`."""

    def __init__(self, context: AuthContext) -> None:
        self.context = context

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/auth/step", self.show, methods=["GET"]),
            Route("/auth/step/factor", self.factor, methods=["POST"]),
            Route("/auth/step/password", self.password, methods=["POST"]),
            Route("/auth/step/enrol", self.enrol, methods=["POST"]),
            Route("/auth/step/done", self.done, methods=["POST"]),
            Route("/auth/setup/{token}", self.get_setup_link, methods=["GET"]),
            Route("/auth/setup/{token}", self.use_link, methods=["POST"]),
        ]

    async def show(self, request: Request, error: SurveyError | None = None) -> Response:
        """The form of whatever is missing next."""
        try:
            where = await self._where(request)
            sheet = await self._sheet(request, where, error)
        except SignInExpiredError as over:
            return self._over(request, over)
        status = 429 if isinstance(error, TooManyAttemptsError) else 403 if error else 200
        return self.context.render(request, sheet, status=status)

    async def factor(self, request: Request) -> Response:
        async def take(form: dict[str, str], secret: str | None) -> None:
            address = self.context.address(request)
            await self.context.write(
                lambda session: claim_factor_attempt(
                    session=session, secret=secret, address=address, now=now()
                )
            )
            right = await self.context.write(
                lambda session: verify_factor_step(
                    session=session, secret=secret, code=form.get("code", "")[:64],
                    address=address, now=now(),
                )
            )  # fmt: skip
            if not right:
                raise WrongFactorError

        return await self._redeem_setup_link(request, take)

    async def password(self, request: Request) -> Response:
        async def take(form: dict[str, str], secret: str | None) -> None:
            await self.context.write(
                lambda session: choose_password(
                    session=session, secret=secret, password=form.get("password", ""), now=now()
                )
            )

        return await self._redeem_setup_link(request, take)

    async def enrol(self, request: Request) -> Response:
        refusal = self.context.too_many_requests(request)
        if refusal is not None:
            return refusal
        form, secret = await self.context.read_form(request), request.cookies.get(STEP_COOKIE)
        try:
            codes = await self.context.write(
                lambda session: finish_enrolment(
                    session=session, secret=secret, code=form.get("code", "")[:64], now=now()
                )
            )
        except SignInExpiredError as over:
            return self._over(request, over)
        except SurveyError as error:
            return await self.show(request, error)
        t = self.context.t(request)
        done = FormSpec("/auth/step/done", t("I have kept the codes. Continue"))
        return self.context.render(request, recovery_code_page(t, codes, done))

    async def done(self, request: Request) -> Response:
        async def take(_form: dict[str, str], _secret: str | None) -> None:
            return None

        return await self._redeem_setup_link(request, take)

    async def get_setup_link(self, request: Request) -> Response:
        """Looking uses nothing up: messengers open links to show a preview."""
        return await self._link_page(request)

    async def use_link(self, request: Request) -> Response:
        refusal = self.context.too_many_requests(request)
        if refusal is not None:
            return refusal
        form, token = await self.context.read_form(request), request.path_params["token"]
        try:
            secret = await self.context.write(
                lambda session: use_link(
                    session=session, token=token, password=form.get("password", ""), now=now()
                )
            )
        except SurveyError as error:
            return await self._link_page(request, error)
        return await self.context.next_step(request, secret)

    async def _link_page(self, request: Request, error: SurveyError | None = None) -> Response:
        t, token = self.context.t(request), request.path_params["token"]
        try:
            account = await self.context.write(
                lambda session: get_account_of_link(session=session, token=token, now=now())
            )
        except SurveyError as unknown:
            sheet = AuthPage(t("This link does not open anything"), t(unknown.message),
                          links=(("/auth/login", t("Sign in")),))  # fmt: skip
            return self.context.render(request, sheet, status=410)
        sheet = AuthPage(
            title=t("Choose your password"),
            text=t("Welcome, {name}. You sign in as {login}.", name=account.name,
                   login=account.login),
            problem=t(error.message) if error else "",
            advice=password_advice(t, error),
            forms=(FormSpec(f"/auth/setup/{token}", t("Continue"), (password_field(t),)),),
        )  # fmt: skip
        return self.context.render(request, sheet, status=403 if error else 200)

    async def _redeem_setup_link(
        self, request: Request, take: Callable[[dict[str, str], str | None], Awaitable[None]]
    ) -> Response:
        """Take what a form brought; then the next step, or in when nothing is missing."""
        refusal = self.context.too_many_requests(request)
        if refusal is not None:
            return refusal
        form, secret = await self.context.read_form(request), request.cookies.get(STEP_COOKIE)
        try:
            await take(form, secret)
            return await self.context.next_step(request, secret)
        except SignInExpiredError as over:
            return self._over(request, over)
        except SurveyError as error:
            return await self.show(request, error)

    async def _where(self, request: Request) -> SignInState:
        secret = request.cookies.get(STEP_COOKIE)
        return await self.context.write(
            lambda session: get_sign_in_state(session=session, secret=secret, now=now())
        )

    def _over(self, request: Request, over: SignInExpiredError) -> Response:
        t = self.context.t(request)
        sheet = AuthPage(t("Please sign in again"), t(over.message),
                      links=(("/auth/login", t("Sign in")),))  # fmt: skip
        return self.context.render(request, sheet, status=403)

    async def _sheet(
        self, request: Request, where: SignInState, error: SurveyError | None
    ) -> AuthPage:
        t = self.context.t(request)
        problem = t(error.message) if error else ""
        if where.next is RequiredStep.FACTOR:
            return AuthPage(
                title=t("Second factor"),
                text=t("Type the six-digit code that your authenticator app shows now."),
                problem=problem,
                forms=(
                    FormSpec("/auth/step/factor", t("Continue"), (code_field(t),)),
                    FormSpec(
                        "/auth/step/factor", t("Use this recovery code"),
                        (FormField("code", t("Or, without your phone, a recovery code")),),
                        is_main=False,
                    ),
                ),
            )  # fmt: skip
        if where.next is RequiredStep.PASSWORD:
            return AuthPage(
                title=t("Choose a password of your own"),
                text=t("The present one was given to you by somebody else."),
                problem=problem,
                advice=password_advice(t, error),
                forms=(FormSpec("/auth/step/password", t("Continue"), (password_field(t),)),),
            )
        if where.next is RequiredStep.ENROL:
            text = t("Your role needs a second factor besides the password. It takes two minutes.")
            return enrolment_page(
                t, await self._enrolment(request), action="/auth/step/enrol", text=text,
                problem=problem,
            )  # fmt: skip
        return AuthPage(
            title=t("You are ready"),
            text=t("Everything is set up."),
            forms=(FormSpec("/auth/step/done", t("Continue")),),
        )

    async def _enrolment(self, request: Request) -> Enrolment:
        secret = request.cookies.get(STEP_COOKIE)
        return await self.context.write(
            lambda session: get_enrolment(session=session, secret=secret, now=now())
        )
