"""Page `/auth/account`: own password, second factor and sessions."""

from collections.abc import Callable
from dataclasses import replace

from anyio import to_thread
from sqlmodel import Session
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
from survey.access.principal import Principal
from survey.access.second_factor import Enrolment
from survey.access.sessions import COOKIE
from survey.access.tokens import digest
from survey.locale import SurveyError, Translator
from survey.store.china_time import CHINA
from survey.store.tables import now
from survey.web.auth.context import AuthContext, T
from survey.web.auth.pages import (
    AuthPage,
    FormField,
    FormSpec,
    enrolment_page,
    password_advice,
    password_field,
    recovery_code_page,
)
from survey.web.current_principal import find_current_principal
from survey.web.http import delete_cookie, redirect_response

ACCOUNT_PATH = "/auth/account"


class AccountEndpoints:
    """Endpoints of the page."""

    def __init__(self, context: AuthContext) -> None:
        self.context = context

    def routes(self) -> list[BaseRoute]:
        return [
            Route(ACCOUNT_PATH, self.show, methods=["GET"]),
            Route(f"{ACCOUNT_PATH}/password", self.password, methods=["POST"]),
            Route(f"{ACCOUNT_PATH}/factor", self.factor, methods=["POST"]),
            Route(f"{ACCOUNT_PATH}/factor/confirm", self.confirm, methods=["POST"]),
            Route(f"{ACCOUNT_PATH}/factor/remove", self.remove, methods=["POST"]),
            Route(f"{ACCOUNT_PATH}/recovery", self.recovery, methods=["POST"]),
            Route(f"{ACCOUNT_PATH}/everywhere", self.everywhere, methods=["POST"]),
        ]

    async def show(self, request: Request, error: SurveyError | None = None) -> Response:
        person = await to_thread.run_sync(find_current_principal, request, self.context.settings)
        if person is None:
            return redirect_response(f"/auth/login?next={ACCOUNT_PATH}")
        this = digest(request.cookies.get(COOKIE, ""))
        try:
            seen, waiting = await self.context.write(
                lambda session: (
                    get_own_account(session=session, principal=person, this=this, now=now()),
                    find_pending_enrolment(session=session, principal=person),
                )
            )
        except SurveyError as refused:
            t = self.context.t(request)
            sheet = AuthPage(t("This is not open to you"), t(refused.message),
                          links=(("/", t("To the start page")),))  # fmt: skip
            return self.context.render(request, sheet, status=403)
        sheet = _account_page(self.context.t(request), seen, waiting, error)
        return self.context.render(request, sheet, status=403 if error else 200)

    async def password(self, request: Request) -> Response:
        def work(session: Session, person: Principal, form: dict[str, str]) -> None:
            change_password(
                session=session, principal=person, shown=form.get("shown", ""),
                password=form.get("password", ""), secret=request.cookies.get(COOKIE), now=now(),
            )  # fmt: skip

        return await self._do(request, work, self._back)

    async def factor(self, request: Request) -> Response:
        def work(session: Session, person: Principal, form: dict[str, str]) -> None:
            start_factor(session=session, principal=person, shown=form.get("shown", ""), now=now())

        return await self._do(request, work, self._back)

    async def confirm(self, request: Request) -> Response:
        def work(session: Session, person: Principal, form: dict[str, str]) -> tuple[str, ...]:
            code = form.get("code", "")[:64]
            return confirm_factor(session=session, principal=person, code=code, now=now())

        return await self._do(request, work, self._codes, proves=False)

    async def remove(self, request: Request) -> Response:
        def work(session: Session, person: Principal, form: dict[str, str]) -> None:
            remove_factor(session=session, principal=person, shown=form.get("shown", ""), now=now())

        return await self._do(request, work, self._back)

    async def recovery(self, request: Request) -> Response:
        def work(session: Session, person: Principal, form: dict[str, str]) -> tuple[str, ...]:
            shown = form.get("shown", "")
            return replace_recovery_codes(session=session, principal=person, shown=shown, now=now())

        return await self._do(request, work, self._codes)

    async def everywhere(self, request: Request) -> Response:
        def work(session: Session, person: Principal, _form: dict[str, str]) -> None:
            sign_out_everywhere(session=session, principal=person, now=now())

        return await self._do(request, work, self._out, proves=False)

    async def _do(
        self,
        request: Request,
        work: Callable[[Session, Principal, dict[str, str]], T],
        answer: Callable[[Request, T], Response],
        *,
        proves: bool = True,
    ) -> Response:
        """One change in one transaction; what shows the password again is counted before."""
        refusal = self.context.too_many_requests(request)
        if refusal is not None:
            return refusal
        form = await self.context.read_form(request)
        person = await to_thread.run_sync(find_current_principal, request, self.context.settings)
        if person is None:
            return redirect_response("/auth/login")
        try:
            if proves:
                await self.context.write(
                    lambda session: claim_password_attempt(
                        session=session, principal=person, now=now()
                    )
                )
            done = await self.context.write(lambda session: work(session, person, form))
        except SurveyError as error:
            return await self.show(request, error)
        return answer(request, done)

    def _back(self, _request: Request, _done: object) -> Response:
        return redirect_response(ACCOUNT_PATH)

    def _codes(self, request: Request, codes: tuple[str, ...]) -> Response:
        t = self.context.t(request)
        back = ((ACCOUNT_PATH, t("I have kept the codes. Continue")),)
        return self.context.render(request, replace(recovery_code_page(t, codes), links=back))

    def _out(self, _request: Request, _done: object) -> Response:
        response = redirect_response("/")
        delete_cookie(response, COOKIE)
        return response


def _account_page(
    t: Translator, seen: OwnAccount, waiting: Enrolment | None, error: SurveyError | None
) -> AuthPage:
    problem = t(error.message) if error else ""
    if waiting is not None:
        return enrolment_page(
            t, waiting, action=f"{ACCOUNT_PATH}/factor/confirm", problem=problem,
            text=t("From the next sign-in on you are asked for a code of this phone."),
        )  # fmt: skip
    return AuthPage(
        title=t("My account"),
        text=f"{seen.name} · {seen.login}",
        problem=problem,
        advice=password_advice(t, error),
        forms=_forms(t, seen),
        links=(("/", t("To the start page")),),
    )


def _second_factor_text(t: Translator, seen: OwnAccount) -> str:
    if not seen.has_factor:
        return t("Second factor: none is set up.")
    return t("Second factor: set up; {count} recovery codes are left.", count=seen.recovery_codes)


def _session_texts(t: Translator, seen: OwnAccount) -> tuple[str, ...]:
    lines = []
    for session in seen.sessions:
        since, last = (
            f"{moment.astimezone(CHINA):%m-%d %H:%M}"
            for moment in (session.started_at, session.last_seen)
        )
        words = t("signed in {since}, last used {last}", since=since, last=last)
        this = t("this browser")
        lines.append(f"{words} ({this})" if session.is_current else words)
    return tuple(lines)


def _forms(t: Translator, seen: OwnAccount) -> tuple[FormSpec, ...]:
    everywhere = FormSpec(
        f"{ACCOUNT_PATH}/everywhere", t("Sign out everywhere"), is_main=False,
        title=t("Signed-in browsers"), lines=_session_texts(t, seen),
    )  # fmt: skip
    if not seen.has_password:
        return (everywhere,)
    shown = FormField("shown", t("Present password"), "password", "current-password")
    change = FormSpec(
        f"{ACCOUNT_PATH}/password", t("Change the password"), (shown, password_field(t)),
        title=t("Password"),
    )  # fmt: skip
    another = t("Set up another phone") if seen.has_factor else t("Set up a second factor")
    forms = [
        everywhere, change,
        FormSpec(
            f"{ACCOUNT_PATH}/factor", another, (shown,), is_main=False, title=t("Second factor"),
            lines=(_second_factor_text(t, seen),),
        ),
    ]  # fmt: skip
    if seen.has_factor:
        words = t("Make new recovery codes")
        title = t("Recovery codes")
        forms.append(
            FormSpec(f"{ACCOUNT_PATH}/recovery", words, (shown,), is_main=False, title=title)
        )
        if not seen.must_have_factor:
            words = t("Do without a second factor")
            forms.append(
                FormSpec(
                    f"{ACCOUNT_PATH}/factor/remove", words, (shown,), is_main=False, title=words
                )
            )
    return tuple(forms)
