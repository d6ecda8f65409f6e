"""`/auth/account`: one's own password, second factor and sessions."""

from collections.abc import Callable
from dataclasses import replace

from anyio import to_thread
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from survey.access.own_account import (
    OwnAccount,
    change_password,
    claim_password_try,
    confirm_factor,
    own_account,
    pending_factor,
    remove_factor,
    replace_recovery_codes,
    sign_out_everywhere,
    start_factor,
)
from survey.access.principal import Principal
from survey.access.second_factor import Enrolment
from survey.access.sessions import COOKIE
from survey.access.tokens import digest
from survey.fieldwork.clock import CHINA
from survey.locale import SurveyError, Translator
from survey.store.tables import now
from survey.web.auth.door import Door, T
from survey.web.auth.forms import NO_STORE, Field, Form, Sheet, own_form
from survey.web.auth.words import advice, enrolment_sheet, password_field, recovery_sheet
from survey.web.visitor import visitor

HERE = "/auth/account"


class Own:
    """The page of one's own account and what can be done there."""

    def __init__(self, door: Door) -> None:
        self.door = door

    def routes(self) -> list[BaseRoute]:
        return [
            Route(HERE, self.show, methods=["GET"]),
            Route(f"{HERE}/password", self.password, methods=["POST"]),
            Route(f"{HERE}/factor", self.factor, methods=["POST"]),
            Route(f"{HERE}/factor/confirm", self.confirm, methods=["POST"]),
            Route(f"{HERE}/factor/remove", self.remove, methods=["POST"]),
            Route(f"{HERE}/recovery", self.recovery, methods=["POST"]),
            Route(f"{HERE}/everywhere", self.everywhere, methods=["POST"]),
        ]

    async def show(self, request: Request, error: SurveyError | None = None) -> Response:
        person = await to_thread.run_sync(visitor, request, self.door.settings)
        if person is None:
            return RedirectResponse(f"/auth/login?next={HERE}", 303, headers=NO_STORE)
        this = digest(request.cookies.get(COOKIE, ""))
        try:
            seen, waiting = await self.door.write(
                lambda session: (
                    own_account(session=session, principal=person, this=this, now=now()),
                    pending_factor(session=session, principal=person),
                )
            )
        except SurveyError as refused:
            t = self.door.t(request)
            sheet = Sheet(t("This is not open to you"), t(refused.message),
                          links=(("/", t("To the start page")),))  # fmt: skip
            return self.door.draw(request, sheet, status=403)
        sheet = _sheet(self.door.t(request), seen, waiting, error)
        return self.door.draw(request, sheet, status=403 if error else 200)

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
        busy = self.door.busy(request)
        if busy is not None:
            return busy
        form = await own_form(request)
        person = await to_thread.run_sync(visitor, request, self.door.settings)
        if person is None:
            return RedirectResponse("/auth/login", 303, headers=NO_STORE)
        try:
            if proves:
                await self.door.write(
                    lambda session: claim_password_try(session=session, principal=person, now=now())
                )
            done = await self.door.write(lambda session: work(session, person, form))
        except SurveyError as error:
            return await self.show(request, error)
        return answer(request, done)

    def _back(self, _request: Request, _done: object) -> Response:
        return RedirectResponse(HERE, 303, headers=NO_STORE)

    def _codes(self, request: Request, codes: tuple[str, ...]) -> Response:
        t = self.door.t(request)
        back = ((HERE, t("I have kept the codes. Continue")),)
        return self.door.draw(request, replace(recovery_sheet(t, codes), links=back))

    def _out(self, _request: Request, _done: object) -> Response:
        response = RedirectResponse("/", 303, headers=NO_STORE)
        response.delete_cookie(COOKIE, httponly=True, samesite="lax")
        return response


def _sheet(
    t: Translator, seen: OwnAccount, waiting: Enrolment | None, error: SurveyError | None
) -> Sheet:
    problem = t(error.message) if error else ""
    if waiting is not None:
        return enrolment_sheet(
            t, waiting, action=f"{HERE}/factor/confirm", problem=problem,
            text=t("From the next sign-in on you are asked for a code of this phone."),
        )  # fmt: skip
    return Sheet(
        title=t("My account"),
        text=f"{seen.name} · {seen.login}",
        problem=problem,
        advice=advice(t, error),
        forms=_forms(t, seen),
        links=(("/", t("To the start page")),),
    )


def _factor_words(t: Translator, seen: OwnAccount) -> str:
    if not seen.has_factor:
        return t("Second factor: none is set up.")
    return t("Second factor: set up; {count} recovery codes are left.", count=seen.recovery_codes)


def _session_words(t: Translator, seen: OwnAccount) -> tuple[str, ...]:
    lines = []
    for session in seen.sessions:
        since, last = (
            f"{moment.astimezone(CHINA):%m-%d %H:%M}"
            for moment in (session.since, session.last_seen)
        )
        words = t("signed in {since}, last used {last}", since=since, last=last)
        this = t("this browser")
        lines.append(f"{words} ({this})" if session.is_this else words)
    return tuple(lines)


def _forms(t: Translator, seen: OwnAccount) -> tuple[Form, ...]:
    everywhere = Form(
        f"{HERE}/everywhere", t("Sign out everywhere"), is_main=False,
        title=t("Signed-in browsers"), lines=_session_words(t, seen),
    )  # fmt: skip
    if not seen.has_password:
        return (everywhere,)
    shown = Field("shown", t("Present password"), "password", "current-password")
    change = Form(
        f"{HERE}/password", t("Change the password"), (shown, password_field(t)),
        title=t("Password"),
    )  # fmt: skip
    another = t("Set up another phone") if seen.has_factor else t("Set up a second factor")
    forms = [
        everywhere, change,
        Form(
            f"{HERE}/factor", another, (shown,), is_main=False, title=t("Second factor"),
            lines=(_factor_words(t, seen),),
        ),
    ]  # fmt: skip
    if seen.has_factor:
        words = t("Make new recovery codes")
        title = t("Recovery codes")
        forms.append(Form(f"{HERE}/recovery", words, (shown,), is_main=False, title=title))
        if not seen.must_have_factor:
            words = t("Do without a second factor")
            forms.append(Form(f"{HERE}/factor/remove", words, (shown,), is_main=False, title=words))
    return tuple(forms)
