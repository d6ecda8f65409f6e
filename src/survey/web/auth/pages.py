"""Parts of the plain sign-in pages, and the context that their endpoints share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, TypeVar

import segno
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response

from survey.access.principal import Principal
from survey.access.second_factor import Enrolment, format_code
from survey.access.secret_hashes import (
    MIN_PASSWORD_CHARS,
    WeakPasswordError,
    invent_password_example,
)
from survey.access.sessions import COOKIE, SessionLimits, SignIn, sign_out
from survey.access.sign_in import RequiredStep, complete_sign_in, get_sign_in_state
from survey.access.work import Work
from survey.locale import Message, SurveyError, Translator, translator
from survey.settings import Settings
from survey.store.tables import now
from survey.store.transactions import run_in_transaction
from survey.web.http import (
    SESSION_COOKIE,
    Cookie,
    FormToken,
    RateLimit,
    client_address,
    read_verified_form,
    redirect_response,
    safe_path,
)
from survey.web.notice_pages import HtmlPage, html_response, negotiate_language, require_turn

STEP_COOKIE = Cookie("survey_step", "/auth")
"""Cookie with the secret of a sign-in that is not complete; it opens no page."""
MAX_CONCURRENT_HASHES = 4
"""Each takes 19 MiB and a core for about 50 ms; more at once would only wait for one another."""
T = TypeVar("T")


@dataclass(frozen=True)
class FormField:
    """Input of a form; `complete` is its HTML autocomplete value for password managers."""

    name: str
    label: str
    kind: str = "text"
    complete: str = "off"
    value: str = ""
    mode: str = "text"
    hint: str = ""


@dataclass(frozen=True)
class FormSpec:
    """One form of a sign-in page: its address, fields, button and heading."""

    action: str
    submit: str
    fields: tuple[FormField, ...] = ()
    hidden: tuple[tuple[str, str], ...] = ()
    is_main: bool = True
    title: str = ""
    """Heading above the form, for pages with several."""
    lines: tuple[str, ...] = ()
    """Paragraphs below the heading."""

    def field_id(self, field: FormField) -> str:
        """Return the HTML id of a field, unique on a page with several forms."""
        return f"{self.action}-{field.name}".strip("/").replace("/", "-")


@dataclass(frozen=True)
class PagePart:
    """Paragraph, picture, link button or list of codes shown above the forms of a page."""

    kind: Literal["paragraph", "picture", "button", "code_list"] = "paragraph"
    text: str = ""
    address: str = ""
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class AuthPage:
    """Content of one sign-in page: texts, parts, forms and links."""

    title: str
    text: str = ""
    problem: str = ""
    advice: tuple[str, ...] = ()
    """What can be done about the problem."""
    parts: tuple[PagePart, ...] = ()
    forms: tuple[FormSpec, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    """Address and text."""


def password_field(t: Translator) -> FormField:
    """Return the form field for a new password, with advice on choosing one."""
    hint = t(
        "At least {count} characters. Four words that have nothing to do with each other, such as "
        "{example}, are easy to remember and hard to guess. Think of words of your own.",
        count=MIN_PASSWORD_CHARS,
        example=invent_password_example(),
    )
    return FormField("password", t("New password"), "password", "new-password", hint=hint)


def password_advice(t: Translator, error: SurveyError | None) -> tuple[str, ...]:
    """Return the advice for a weak password; empty for any other error or none."""
    if not isinstance(error, WeakPasswordError):
        return ()
    return tuple(t(message) for message in error.advice)


def enrolment_page(
    t: Translator, enrolment: Enrolment, *, action: str, text: str, problem: str = ""
) -> AuthPage:
    """Return the page with an app's QR code and a field for its first code, posted to `action`."""
    key = enrolment.secret
    manual = t(
        "Without a camera, type this key into the app: {key}",
        key=" ".join(key[start : start + 4] for start in range(0, len(key), 4)),
    )
    return AuthPage(
        title=t("Set up the second factor"),
        text=text,
        problem=problem,
        parts=(
            PagePart(
                text=t(
                    "1. Install an authenticator app on your phone, if you have none. Any app for "
                    "six-digit codes that change every 30 seconds will do."
                )
            ),
            PagePart(text=t("2. Scan this picture with the app.")),
            PagePart("picture", t("QR code"), address=_draw_qr_code(enrolment.uri)),
            PagePart(text=manual),
            PagePart(text=t("3. Type the code that the app shows now.")),
        ),
        forms=(FormSpec(action, t("Continue"), (code_field(t),)),),
    )


def code_field(t: Translator) -> FormField:
    """Return the form field for a six-digit code of the authenticator app."""
    return FormField("code", t("Six-digit code"), complete="one-time-code", mode="numeric")


def recovery_code_page(t: Translator, codes: tuple[str, ...], *forms: FormSpec) -> AuthPage:
    """Return the page that shows new recovery codes, the only time they are shown."""
    return AuthPage(
        title=t("Keep these recovery codes"),
        text=t(
            "Each of them lets you in once without your phone. Print them or write them down, and "
            "keep them where you keep important papers. They are not shown again."
        ),
        parts=(PagePart("code_list", codes=tuple(map(format_code, codes))),),
        forms=forms,
    )


def _draw_qr_code(uri: str) -> str:
    picture: str = segno.make(uri, error="m").svg_data_uri(scale=5, border=4)
    return picture


@dataclass(frozen=True)
class AuthContext:
    """Settings, rate limit and shared steps of all sign-in endpoints."""

    settings: Settings
    limit: RateLimit
    hashing: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(MAX_CONCURRENT_HASHES))

    @property
    def limits(self) -> SessionLimits:
        """Lifetime and idle time of new sessions, from the settings."""
        return SessionLimits(
            timedelta(hours=self.settings.session_hours),
            timedelta(minutes=self.settings.idle_minutes),
        )

    def t(self, request: Request) -> Translator:
        """Return the translator into the language that the browser asks for."""
        return translator(negotiate_language(request, self.settings.language))

    def require_turn(self, request: Request) -> None:
        """Count the request; raise `TooManyRequestsError` if its address sent too many."""
        require_turn(request, self.limit, self.settings)

    async def read_form(self, request: Request) -> dict[str, str]:
        """Count the request and return the fields of a form that this browser was shown.

        Raises:
            TooManyRequestsError: There were too many requests.
            HTTPException: 403, for any other form.
        """
        self.require_turn(request)
        return await read_verified_form(request, self.settings)

    async def write(
        self, request: Request, work: Callable[[SignIn], T], secret: str | None = None
    ) -> T:
        """Run `work` in a transaction on the sign-in of `secret` or cookie; return its result.

        Args:
            secret: Secret of the step of the sign-in, else the one that the browser keeps.
        """
        address = client_address(request, self.settings.trusted_proxies)
        step = secret or request.cookies.get(STEP_COOKIE.name)
        return await to_thread.run_sync(
            run_in_transaction,
            self.settings.store_url,
            lambda session: work(SignIn(session, now(), address, step)),
        )

    async def serve(self, principal: Principal, service: Callable[[Work], T]) -> T:
        """Run `service` for a signed-in person, in a transaction in a thread; return its result."""
        return await to_thread.run_sync(
            run_in_transaction,
            self.settings.store_url,
            lambda session: service(Work(session, principal, now(), self.settings)),
        )

    async def run_hashing(self, work: Callable[[], T]) -> T:
        """Run `work`, which hashes a password, in a thread; only a few run at the same time."""
        return await to_thread.run_sync(work, limiter=self.hashing)

    def render(self, request: Request, page: AuthPage, *, status: int = 200) -> Response:
        """Return the page as HTML, with this browser's token in each form."""
        token, platform = FormToken.of(request), self.t(request)("Hundred Cities Survey")
        language = negotiate_language(request, self.settings.language)
        values = {"platform": platform, "page": page, "token": token.value}
        html_page = HtmlPage("auth", language, f"{page.title} · {platform}", values)
        response = html_response(request, html_page, status=status)
        token.save(response, request, self.settings)
        return response

    def render_refusal(
        self, request: Request, title: Message, text: Message, *, status: int
    ) -> Response:
        """Return a page with the reason of a refusal and a link to the sign-in."""
        t = self.t(request)
        page = AuthPage(t(title), t(text), links=(("/auth/login", t("Sign in")),))
        return self.render(request, page, status=status)

    async def next_step(self, request: Request, step: str | None = None) -> Response:
        """Redirect to what the sign-in (secret `step`) needs next; if nothing, start its session.

        Raises:
            SignInExpiredError: The sign-in does not exist any more.
        """
        state = await self.write(request, get_sign_in_state, step)
        if state.next is RequiredStep.NOTHING:
            secret = await self.write(
                request, lambda sign_in: complete_sign_in(sign_in, self.limits), step
            )
            return await self.start_session(request, secret, state.redirect_to)
        response = redirect_response("/auth/step")
        step = step or request.cookies[STEP_COOKIE.name]
        STEP_COOKIE.save(response, request, self.settings, step)
        return response

    async def start_session(self, request: Request, secret: str, target: str | None) -> Response:
        """Set the new session's cookie, sign out the previous session, redirect to `target`."""
        before = request.cookies.get(COOKIE)
        if before:
            await self.write(
                request, lambda sign_in: sign_out(sign_in.session, before, sign_in.now)
            )
        response = redirect_response(safe_path(target))
        lifetime = int(self.limits.lifetime.total_seconds())
        SESSION_COOKIE.save(response, request, self.settings, secret, lifetime)
        STEP_COOKIE.delete(response)
        return response
