"""Page `/auth/account`: own password, second factor and sessions."""

from collections.abc import Callable
from dataclasses import replace

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.access.own_account import (
    OwnAccount,
    change_password,
    claim_password_attempt,
    confirm_factor,
    find_pending_enrolment,
    get_own_account,
    remove_factor,
    replace_recovery_codes,
    sign_out_everywhere,
    start_factor,
)
from survey.access.second_factor import Enrolment
from survey.access.secret_hashes import digest
from survey.access.sessions import COOKIE
from survey.access.work import Work
from survey.locale import SurveyError, Translator
from survey.store.china_time import CHINA
from survey.store.tables import now
from survey.web.auth.pages import (
    AuthContext,
    AuthPage,
    FormField,
    FormSpec,
    T,
    enrolment_page,
    password_advice,
    password_field,
    recovery_code_page,
)
from survey.web.http import delete_cookie, redirect_response
from survey.web.request_middleware import find_current_principal

ACCOUNT_PATH = "/auth/account"


class AccountEndpoints:
    """Endpoints of the page."""

    def __init__(self, context: AuthContext) -> None:
        self.context = context

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the endpoints."""
        return [
            Route(ACCOUNT_PATH, self.get_page, methods=["GET"]),
            Route(f"{ACCOUNT_PATH}/password", self.post_password, methods=["POST"]),
            Route(f"{ACCOUNT_PATH}/factor", self.post_factor, methods=["POST"]),
            Route(f"{ACCOUNT_PATH}/factor/confirm", self.post_factor_code, methods=["POST"]),
            Route(f"{ACCOUNT_PATH}/factor/remove", self.post_factor_removal, methods=["POST"]),
            Route(f"{ACCOUNT_PATH}/recovery", self.post_recovery_codes, methods=["POST"]),
            Route(f"{ACCOUNT_PATH}/everywhere", self.post_sign_out_everywhere, methods=["POST"]),
        ]

    async def get_page(self, request: Request, error: SurveyError | None = None) -> Response:
        """Show the page, after a failed change with its error."""
        person = await to_thread.run_sync(find_current_principal, request, self.context.settings)
        if person is None:
            return redirect_response(f"/auth/login?next={ACCOUNT_PATH}")
        this = digest(request.cookies.get(COOKIE, ""))
        try:
            account, enrolment = await self.context.write(
                lambda session: (
                    get_own_account(
                        Work(session, person, now(), self.context.settings), session_hash=this
                    ),
                    find_pending_enrolment(Work(session, person, now(), self.context.settings)),
                )
            )
        except SurveyError as refused:
            t = self.context.t(request)
            page = AuthPage(
                t("This is not open to you"),
                t(refused.message),
                links=(("/", t("To the start page")),),
            )
            return self.context.render(request, page, status=403)
        page = _build_account_page(self.context.t(request), account, enrolment, error)
        return self.context.render(request, page, status=403 if error else 200)

    async def post_password(self, request: Request) -> Response:
        """Change the password."""

        def work(work: Work, form: dict[str, str]) -> None:
            change_password(
                work,
                current_password=form.get("shown", ""),
                password=form.get("password", ""),
                secret=request.cookies.get(COOKIE),
            )

        return await self._run_change(request, work, self._redirect_back)

    async def post_factor(self, request: Request) -> Response:
        """Start setting up a second factor."""

        def work(work: Work, form: dict[str, str]) -> None:
            start_factor(work, current_password=form.get("shown", ""))

        return await self._run_change(request, work, self._redirect_back)

    async def post_factor_code(self, request: Request) -> Response:
        """Finish setting up a second factor and show its recovery codes."""

        def work(work: Work, form: dict[str, str]) -> tuple[str, ...]:
            code = form.get("code", "")[:64]
            return confirm_factor(work, code=code)

        return await self._run_change(request, work, self._show_codes, asks_password=False)

    async def post_factor_removal(self, request: Request) -> Response:
        """Remove the second factor."""

        def work(work: Work, form: dict[str, str]) -> None:
            remove_factor(work, current_password=form.get("shown", ""))

        return await self._run_change(request, work, self._redirect_back)

    async def post_recovery_codes(self, request: Request) -> Response:
        """Replace the recovery codes and show the new ones."""

        def work(work: Work, form: dict[str, str]) -> tuple[str, ...]:
            shown = form.get("shown", "")
            return replace_recovery_codes(work, current_password=shown)

        return await self._run_change(request, work, self._show_codes)

    async def post_sign_out_everywhere(self, request: Request) -> Response:
        """End all sessions of the account."""

        def work(work: Work, _form: dict[str, str]) -> None:
            sign_out_everywhere(work)

        return await self._run_change(request, work, self._redirect_signed_out, asks_password=False)

    async def _run_change(
        self,
        request: Request,
        change: Callable[[Work, dict[str, str]], T],
        respond: Callable[[Request, T], Response],
        *,
        asks_password: bool = True,
    ) -> Response:
        """Run one change in one transaction; attempts at the password are counted before."""
        refusal = self.context.too_many_requests(request)
        if refusal is not None:
            return refusal
        form = await self.context.read_form(request)
        person = await to_thread.run_sync(find_current_principal, request, self.context.settings)
        if person is None:
            return redirect_response("/auth/login")
        try:
            if asks_password:
                await self.context.write(
                    lambda session: claim_password_attempt(
                        Work(session, person, now(), self.context.settings)
                    )
                )
            result = await self.context.write(
                lambda session: change(Work(session, person, now(), self.context.settings), form)
            )
        except SurveyError as error:
            return await self.get_page(request, error)
        return respond(request, result)

    def _redirect_back(self, _request: Request, _result: object) -> Response:
        return redirect_response(ACCOUNT_PATH)

    def _show_codes(self, request: Request, codes: tuple[str, ...]) -> Response:
        t = self.context.t(request)
        back = ((ACCOUNT_PATH, t("I have kept the codes. Continue")),)
        return self.context.render(request, replace(recovery_code_page(t, codes), links=back))

    def _redirect_signed_out(self, _request: Request, _result: object) -> Response:
        response = redirect_response("/")
        delete_cookie(response, COOKIE)
        return response


def _build_account_page(
    t: Translator, account: OwnAccount, enrolment: Enrolment | None, error: SurveyError | None
) -> AuthPage:
    problem = t(error.message) if error else ""
    if enrolment is not None:
        return enrolment_page(
            t,
            enrolment,
            action=f"{ACCOUNT_PATH}/factor/confirm",
            problem=problem,
            text=t("From the next sign-in on you are asked for a code of this phone."),
        )
    return AuthPage(
        title=t("My account"),
        text=f"{account.name} · {account.login}",
        problem=problem,
        advice=password_advice(t, error),
        forms=_build_forms(t, account),
        links=(("/", t("To the start page")),),
    )


def _describe_second_factor(t: Translator, account: OwnAccount) -> str:
    if not account.has_factor:
        return t("Second factor: none is set up.")
    return t(
        "Second factor: set up; {count} recovery codes are left.", count=account.recovery_codes
    )


def _describe_sessions(t: Translator, account: OwnAccount) -> tuple[str, ...]:
    lines = []
    for session in account.sessions:
        since, last = (
            f"{moment.astimezone(CHINA):%m-%d %H:%M}"
            for moment in (session.started_at, session.last_seen)
        )
        words = t("signed in {since}, last used {last}", since=since, last=last)
        this = t("this browser")
        lines.append(f"{words} ({this})" if session.is_current else words)
    return tuple(lines)


def _build_forms(t: Translator, account: OwnAccount) -> tuple[FormSpec, ...]:
    everywhere = FormSpec(
        f"{ACCOUNT_PATH}/everywhere",
        t("Sign out everywhere"),
        is_main=False,
        title=t("Signed-in browsers"),
        lines=_describe_sessions(t, account),
    )
    if not account.has_password:
        return (everywhere,)
    shown = FormField("shown", t("Present password"), "password", "current-password")
    change = FormSpec(
        f"{ACCOUNT_PATH}/password",
        t("Change the password"),
        (shown, password_field(t)),
        title=t("Password"),
    )
    another = t("Set up another phone") if account.has_factor else t("Set up a second factor")
    forms = [
        everywhere, change,
        FormSpec(
            f"{ACCOUNT_PATH}/factor", another, (shown,), is_main=False, title=t("Second factor"),
            lines=(_describe_second_factor(t, account),),
        ),
    ]  # fmt: skip
    if account.has_factor:
        words = t("Make new recovery codes")
        title = t("Recovery codes")
        forms.append(
            FormSpec(f"{ACCOUNT_PATH}/recovery", words, (shown,), is_main=False, title=title)
        )
        if not account.must_have_factor:
            words = t("Do without a second factor")
            forms.append(
                FormSpec(
                    f"{ACCOUNT_PATH}/factor/remove", words, (shown,), is_main=False, title=words
                )
            )
    return tuple(forms)
