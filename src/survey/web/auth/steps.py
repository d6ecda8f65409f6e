"""Pages `/auth/step` and `/auth/setup`: steps after the password, and setup links of accounts."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.access.attempt_limits import TooManyAttemptsError
from survey.access.second_factor import WrongFactorError
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
from survey.locale import SurveyError, msg
from survey.web.auth.pages import (
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
    """Endpoints of the steps after the password, and of setup links."""

    def __init__(self, context: AuthContext) -> None:
        self.context = context

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the sign-in steps and of setup links."""
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
        """Return the page of the sign-in's next step, with an error if the last try failed."""
        try:
            state = await self.context.write(request, get_sign_in_state)
            page = await self._build_step_page(request, state, error)
        except SignInExpiredError as expired:
            return self._show_expired(request, expired)
        status = 429 if isinstance(error, TooManyAttemptsError) else 403 if error else 200
        return self.context.render(request, page, status=status)

    async def post_factor(self, request: Request) -> Response:
        """Verify a code of the authenticator app or a recovery code."""

        async def apply(form: dict[str, str]) -> None:
            await self.context.write(request, claim_factor_attempt)
            code = form.get("code", "")[:64]
            if not await self.context.write(
                request, lambda sign_in: verify_factor_step(sign_in, code)
            ):
                raise WrongFactorError

        return await self._run_step(request, apply)

    async def post_password(self, request: Request) -> Response:
        """Replace a temporary password by one that the person has chosen."""

        async def apply(form: dict[str, str]) -> None:
            password = form.get("password", "")
            await self.context.write(request, lambda sign_in: choose_password(sign_in, password))

        return await self._run_step(request, apply)

    async def post_enrolment(self, request: Request) -> Response:
        """Finish setting up the authenticator app and show the recovery codes."""

        async def apply(form: dict[str, str]) -> Response:
            code = form.get("code", "")[:64]
            codes = await self.context.write(
                request, lambda sign_in: finish_enrolment(sign_in, code)
            )
            t = self.context.t(request)
            go_on = FormSpec("/auth/step/done", t("I have kept the codes. Continue"))
            return self.context.render(request, recovery_code_page(t, codes, go_on))

        return await self._run_step(request, apply)

    async def post_done(self, request: Request) -> Response:
        """Continue the sign-in after the recovery codes were shown."""

        async def apply(_form: dict[str, str]) -> None:
            return None

        return await self._run_step(request, apply)

    async def get_setup_link(self, request: Request) -> Response:
        """Show the form of a setup link; the link stays valid, as messengers preview links."""
        return await self._link_page(request)

    async def post_setup_link(self, request: Request) -> Response:
        """Use up a setup link, set the chosen password, and continue the sign-in."""
        form, token = await self.context.read_form(request), request.path_params["token"]
        password = form.get("password", "")
        try:
            secret = await self.context.write(
                request, lambda sign_in: use_link(sign_in, token, password)
            )
        except SurveyError as error:
            return await self._link_page(request, error)
        return await self.context.next_step(request, secret)

    async def _link_page(self, request: Request, error: SurveyError | None = None) -> Response:
        t, token = self.context.t(request), request.path_params["token"]
        try:
            account = await self.context.write(
                request, lambda sign_in: get_account_of_link(sign_in.session, token, sign_in.now)
            )
        except SurveyError as unknown:
            title = msg("This link does not open anything")
            return self.context.render_refusal(request, title, unknown.message, status=410)
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
        self, request: Request, apply: Callable[[dict[str, str]], Awaitable[Response | None]]
    ) -> Response:
        """Call `apply` with the submitted form; return the next step's page, or an error's page."""
        form = await self.context.read_form(request)
        try:
            return await apply(form) or await self.context.next_step(request)
        except SignInExpiredError as expired:
            return self._show_expired(request, expired)
        except SurveyError as error:
            return await self.get_step(request, error)

    def _show_expired(self, request: Request, expired: SignInExpiredError) -> Response:
        title = msg("Please sign in again")
        return self.context.render_refusal(request, title, expired.message, status=403)

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
                await self.context.write(request, get_enrolment),
                action="/auth/step/enrol",
                text=text,
                problem=problem,
            )
        return AuthPage(
            title=t("You are ready"),
            text=t("Everything is set up."),
            forms=(FormSpec("/auth/step/done", t("Continue")),),
        )
