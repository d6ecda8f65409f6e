"""Page `/auth/account`: one's own password, second factor and signed-in browsers."""

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
from survey.web.http import SESSION_COOKIE, redirect_response
from survey.web.request_middleware import find_current_principal

ACCOUNT_PATH = "/auth/account"


class AccountEndpoints:
    """Endpoints of the page on which people change their own account."""

    def __init__(self, context: AuthContext) -> None:
        self.context = context

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the page and of each change that it offers."""
        return [
            Route(ACCOUNT_PATH, self.get_page, methods=["GET"]),
            self._build_route(
                "password",
                lambda work, form, secret: change_password(
                    work,
                    current_password=form.get("shown", ""),
                    password=form.get("password", ""),
                    secret=secret,
                ),
                self._redirect_back,
            ),
            self._build_route(
                "factor",
                lambda work, form, _: start_factor(work, current_password=form.get("shown", "")),
                self._redirect_back,
            ),
            self._build_route(
                "factor/confirm",
                lambda work, form, _: confirm_factor(work, code=form.get("code", "")[:64]),
                self._show_codes,
                asks_password=False,
            ),
            self._build_route(
                "factor/remove",
                lambda work, form, _: remove_factor(work, current_password=form.get("shown", "")),
                self._redirect_back,
            ),
            self._build_route(
                "recovery",
                lambda work, form, _: replace_recovery_codes(
                    work, current_password=form.get("shown", "")
                ),
                self._show_codes,
            ),
            self._build_route(
                "everywhere",
                lambda work, *_: sign_out_everywhere(work),
                self._redirect_signed_out,
                asks_password=False,
            ),
        ]

    async def get_page(self, request: Request, error: SurveyError | None = None) -> Response:
        """Return the account page, with the error if a change has just failed."""
        person = await to_thread.run_sync(find_current_principal, request, self.context.settings)
        if person is None:
            return redirect_response(f"/auth/login?next={ACCOUNT_PATH}")
        this, t = digest(request.cookies.get(COOKIE, "")), self.context.t(request)
        try:
            account, enrolment = await self.context.serve(
                person,
                lambda work: (
                    get_own_account(work, session_hash=this),
                    find_pending_enrolment(work),
                ),
            )
        except SurveyError as refused:
            page = AuthPage(
                t("This is not open to you"),
                t(refused.message),
                links=(("/", t("To the start page")),),
            )
            return self.context.render(request, page, status=403)
        page = _build_account_page(t, account, enrolment, error)
        return self.context.render(request, page, status=403 if error else 200)

    def _build_route(
        self,
        name: str,
        change: Callable[[Work, dict[str, str], str | None], T],
        respond: Callable[[Request, T], Response],
        *,
        asks_password: bool = True,
    ) -> Route:
        """Return a POST route: count a try if `asks_password`, run `change`, answer by `respond`.

        It is one transaction; attempts at the password are counted before in another.
        """

        async def post_change(request: Request) -> Response:
            form, secret = await self.context.read_form(request), request.cookies.get(COOKIE)
            settings = self.context.settings
            person = await to_thread.run_sync(find_current_principal, request, settings)
            if person is None:
                return redirect_response("/auth/login")
            try:
                if asks_password:
                    await self.context.serve(person, claim_password_attempt)
                result = await self.context.serve(person, lambda work: change(work, form, secret))
            except SurveyError as error:
                return await self.get_page(request, error)
            return respond(request, result)

        return Route(f"{ACCOUNT_PATH}/{name}", post_change, methods=["POST"])

    def _redirect_back(self, _request: Request, _result: object) -> Response:
        return redirect_response(ACCOUNT_PATH)

    def _show_codes(self, request: Request, codes: tuple[str, ...]) -> Response:
        t = self.context.t(request)
        back = ((ACCOUNT_PATH, t("I have kept the codes. Continue")),)
        return self.context.render(request, replace(recovery_code_page(t, codes), links=back))

    def _redirect_signed_out(self, _request: Request, _result: object) -> Response:
        response = redirect_response("/")
        SESSION_COOKIE.delete(response)
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
