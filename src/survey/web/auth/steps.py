"""Pages `/auth/step` and `/auth/setup`: what a sign-in requires after the password."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.access.attempt_limits import TooManyAttemptsError
from survey.access.second_factor import Enrolment, WrongFactorError
from survey.access.secret_hashes import get_account_of_link
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
from survey.web.auth.pages import (
    STEP_COOKIE,
    AuthContext,
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
    """Endpoints of both pages."""

    def __init__(self, context: AuthContext) -> None:
        self.context = context

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the endpoints."""
        return [
            Route("/auth/step", self.get_step, methods=["GET"]),
            Route("/auth/step/factor", self.post_factor, methods=["POST"]),
            Route("/auth/step/password", self.post_password, methods=["POST"]),
            Route("/auth/step/enrol", self.post_enrolment, methods=["POST"]),
            Route("/auth/step/done", self.post_done, methods=["POST"]),
            Route("/auth/setup/{token}", self.get_setup_link, methods=["GET"]),
            Route("/auth/setup/{token}", self.post_setup_link, methods=["POST"]),
        ]

    async def get_step(self, request: Request, error: SurveyError | None = None) -> Response:
        """Show the form of the next step."""
        try:
            state = await self._get_state(request)
            page = await self._build_step_page(request, state, error)
        except SignInExpiredError as expired:
            return self._show_expired(request, expired)
        status = 429 if isinstance(error, TooManyAttemptsError) else 403 if error else 200
        return self.context.render(request, page, status=status)

    async def post_factor(self, request: Request) -> Response:
        """Verify a code of the second factor."""

        async def apply(form: dict[str, str], secret: str | None) -> None:
            address = self.context.address(request)
            await self.context.write(
                lambda session: claim_factor_attempt(
                    session=session, secret=secret, address=address, now=now()
                )
            )
            is_right = await self.context.write(
                lambda session: verify_factor_step(
                    session=session,
                    secret=secret,
                    code=form.get("code", "")[:64],
                    address=address,
                    now=now(),
                )
            )
            if not is_right:
                raise WrongFactorError

        return await self._run_step(request, apply)

    async def post_password(self, request: Request) -> Response:
        """Replace a temporary password by an own one."""

        async def apply(form: dict[str, str], secret: str | None) -> None:
            await self.context.write(
                lambda session: choose_password(
                    session=session, secret=secret, password=form.get("password", ""), now=now()
                )
            )

        return await self._run_step(request, apply)

    async def post_enrolment(self, request: Request) -> Response:
        """Finish setting up a second factor and show its recovery codes."""
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
        except SignInExpiredError as expired:
            return self._show_expired(request, expired)
        except SurveyError as error:
            return await self.get_step(request, error)
        t = self.context.t(request)
        go_on = FormSpec("/auth/step/done", t("I have kept the codes. Continue"))
        return self.context.render(request, recovery_code_page(t, codes, go_on))

    async def post_done(self, request: Request) -> Response:
        """Go on after the recovery codes."""

        async def apply(_form: dict[str, str], _secret: str | None) -> None:
            return None

        return await self._run_step(request, apply)

    async def get_setup_link(self, request: Request) -> Response:
        """Show the form of a setup link; this uses nothing up, because messengers preview links."""
        return await self._link_page(request)

    async def post_setup_link(self, request: Request) -> Response:
        """Redeem a setup link with the password that was chosen."""
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
            page = AuthPage(
                t("This link does not open anything"),
                t(unknown.message),
                links=(("/auth/login", t("Sign in")),),
            )
            return self.context.render(request, page, status=410)
        page = AuthPage(
            title=t("Choose your password"),
            text=t(
                "Welcome, {name}. You sign in as {login}.", name=account.name, login=account.login
            ),
            problem=t(error.message) if error else "",
            advice=password_advice(t, error),
            forms=(FormSpec(f"/auth/setup/{token}", t("Continue"), (password_field(t),)),),
        )
        return self.context.render(request, page, status=403 if error else 200)

    async def _run_step(
        self, request: Request, apply: Callable[[dict[str, str], str | None], Awaitable[None]]
    ) -> Response:
        """Apply the form, then redirect to the next step, or sign in if none is missing."""
        refusal = self.context.too_many_requests(request)
        if refusal is not None:
            return refusal
        form, secret = await self.context.read_form(request), request.cookies.get(STEP_COOKIE)
        try:
            await apply(form, secret)
            return await self.context.next_step(request, secret)
        except SignInExpiredError as expired:
            return self._show_expired(request, expired)
        except SurveyError as error:
            return await self.get_step(request, error)

    async def _get_state(self, request: Request) -> SignInState:
        secret = request.cookies.get(STEP_COOKIE)
        return await self.context.write(
            lambda session: get_sign_in_state(session=session, secret=secret, now=now())
        )

    def _show_expired(self, request: Request, expired: SignInExpiredError) -> Response:
        t = self.context.t(request)
        page = AuthPage(
            t("Please sign in again"), t(expired.message), links=(("/auth/login", t("Sign in")),)
        )
        return self.context.render(request, page, status=403)

    async def _build_step_page(
        self, request: Request, state: SignInState, error: SurveyError | None
    ) -> AuthPage:
        t = self.context.t(request)
        problem = t(error.message) if error else ""
        if state.next is RequiredStep.FACTOR:
            return AuthPage(
                title=t("Second factor"),
                text=t("Type the six-digit code that your authenticator app shows now."),
                problem=problem,
                forms=(
                    FormSpec("/auth/step/factor", t("Continue"), (code_field(t),)),
                    FormSpec(
                        "/auth/step/factor",
                        t("Use this recovery code"),
                        (FormField("code", t("Or, without your phone, a recovery code")),),
                        is_main=False,
                    ),
                ),
            )
        if state.next is RequiredStep.PASSWORD:
            return AuthPage(
                title=t("Choose a password of your own"),
                text=t("The present one was given to you by somebody else."),
                problem=problem,
                advice=password_advice(t, error),
                forms=(FormSpec("/auth/step/password", t("Continue"), (password_field(t),)),),
            )
        if state.next is RequiredStep.ENROL:
            text = t("Your role needs a second factor besides the password. It takes two minutes.")
            return enrolment_page(
                t,
                await self._get_enrolment(request),
                action="/auth/step/enrol",
                text=text,
                problem=problem,
            )
        return AuthPage(
            title=t("You are ready"),
            text=t("Everything is set up."),
            forms=(FormSpec("/auth/step/done", t("Continue")),),
        )

    async def _get_enrolment(self, request: Request) -> Enrolment:
        secret = request.cookies.get(STEP_COOKIE)
        return await self.context.write(
            lambda session: get_enrolment(session=session, secret=secret, now=now())
        )
