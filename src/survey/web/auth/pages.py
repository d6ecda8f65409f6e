"""Plain sign-in pages, and the store, cookies and rate limit that their endpoints share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, TypeVar

import segno
from anyio import CapacityLimiter, to_thread
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from survey.access.second_factor import Enrolment, format_code
from survey.access.secret_hashes import (
    MIN_PASSWORD_CHARS,
    WeakPasswordError,
    invent_password_example,
)
from survey.access.sessions import COOKIE, SessionLimits, sign_out
from survey.access.sign_in import RequiredStep, complete_sign_in, get_sign_in_state
from survey.locale import SurveyError, Translator, translator
from survey.settings import Settings
from survey.store.tables import now
from survey.store.transactions import run_in_transaction
from survey.web.http import (
    FormToken,
    RateLimit,
    client_address,
    delete_cookie,
    read_verified_form,
    redirect_response,
    safe_path,
    set_cookie,
)
from survey.web.notice_pages import (
    HtmlPage,
    html_response,
    negotiate_language,
    refuse_too_many_requests,
)

STEP_COOKIE = "survey_step"
"""Cookie with the secret of a sign-in that is not complete; it opens no page."""
MAX_CONCURRENT_HASHES = 4
"""Each takes 19 MiB and a core for about 50 ms; more at once would only wait for one another."""
T = TypeVar("T")


@dataclass(frozen=True)
class FormField:
    """One line of a form; `complete` tells password managers what it is."""

    name: str
    label: str
    kind: str = "text"
    complete: str = "off"
    value: str = ""
    mode: str = "text"
    hint: str = ""


@dataclass(frozen=True)
class FormSpec:
    """Fields of one form and the button that sends them."""

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
        """Return an HTML id that is unique on a page with several forms."""
        return f"{self.action}-{field.name}".strip("/").replace("/", "-")


@dataclass(frozen=True)
class PagePart:
    """Paragraph, picture, link button or list of codes above the forms of a page."""

    kind: Literal["paragraph", "picture", "button", "code_list"] = "paragraph"
    text: str = ""
    address: str = ""
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class AuthPage:
    """Texts, parts and forms of one sign-in page."""

    title: str
    text: str = ""
    problem: str = ""
    advice: tuple[str, ...] = ()
    """What can be done about the problem."""
    parts: tuple[PagePart, ...] = ()
    forms: tuple[FormSpec, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    """Address and text."""


def render_auth_page(
    request: Request,
    t: Translator,
    language: str,
    page: AuthPage,
    settings: Settings,
    *,
    status: int = 200,
) -> Response:
    """Return the page with its forms, each of them with the token of this browser."""
    token = FormToken.of(request)
    platform = t("Hundred Cities Survey")
    values = {"platform": platform, "page": page, "token": token.value}
    html_page = HtmlPage("auth", language, f"{page.title} · {platform}", values)
    response = html_response(request, html_page, status=status)
    token.save(response, request, settings)
    return response


def password_field(t: Translator) -> FormField:
    """Return the field for a new password."""
    hint = t(
        "At least {count} characters. Four words that have nothing to do with each other, such as "
        "{example}, are easy to remember and hard to guess. Think of words of your own.",
        count=MIN_PASSWORD_CHARS,
        example=invent_password_example(),
    )
    return FormField("password", t("New password"), "password", "new-password", hint=hint)


def password_advice(t: Translator, error: SurveyError | None) -> tuple[str, ...]:
    """Return what can be done about a weak password; empty for other errors."""
    if not isinstance(error, WeakPasswordError):
        return ()
    return tuple(t(message) for message in error.advice)


def enrolment_page(
    t: Translator, enrolment: Enrolment, *, action: str, text: str, problem: str = ""
) -> AuthPage:
    """Return the page with the QR code for an authenticator app and a field for its first code."""
    manual = t("Without a camera, type this key into the app: {key}", key=_format_secret(enrolment))
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
    """Return the field for a code of the authenticator app."""
    return FormField("code", t("Six-digit code"), complete="one-time-code", mode="numeric")


def recovery_code_page(t: Translator, codes: tuple[str, ...], *forms: FormSpec) -> AuthPage:
    """Return the page that shows new recovery codes, once."""
    return AuthPage(
        title=t("Keep these recovery codes"),
        text=t(
            "Each of them lets you in once without your phone. Print them or write them down, and "
            "keep them where you keep important papers. They are not shown again."
        ),
        parts=(PagePart("code_list", codes=tuple(map(format_code, codes))),),
        forms=forms,
    )


def _format_secret(enrolment: Enrolment) -> str:
    key = enrolment.secret
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))


def _draw_qr_code(uri: str) -> str:
    picture: str = segno.make(uri, error="m").svg_data_uri(scale=5, border=4)
    return picture


@dataclass(frozen=True)
class AuthContext:
    """Store, language, cookies and rate limit of the sign-in endpoints."""

    settings: Settings
    limit: RateLimit
    hashing: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(MAX_CONCURRENT_HASHES))

    @property
    def limits(self) -> SessionLimits:
        """Lifetime and idle time of new sessions."""
        return SessionLimits(
            timedelta(hours=self.settings.session_hours),
            timedelta(minutes=self.settings.idle_minutes),
        )

    def language(self, request: Request) -> str:
        """Return the language of the page for this request."""
        return negotiate_language(request, self.settings.language)

    def t(self, request: Request) -> Translator:
        """Return the translator into the language of the page."""
        return translator(self.language(request))

    def address(self, request: Request) -> str:
        """Return the address under which the client's attempts are counted."""
        return client_address(request, self.settings.trusted_proxies)

    def too_many_requests(self, request: Request) -> Response | None:
        """Count the request and return the refusal if there were too many, else None."""
        return refuse_too_many_requests(request, self.limit, self.settings)

    async def read_form(self, request: Request) -> dict[str, str]:
        """Return the fields of a form that was shown in this browser, else answer 403."""
        return await read_verified_form(request, self.settings)

    async def write(self, work: Callable[[Session], T]) -> T:
        """Run `work` in a transaction of its own, in a thread."""
        return await to_thread.run_sync(run_in_transaction, self.settings.store_url, work)

    async def run_hashing(self, work: Callable[[], T]) -> T:
        """Run `work`, which hashes a password, with at most a few others at the same time."""
        return await to_thread.run_sync(work, limiter=self.hashing)

    def render(self, request: Request, page: AuthPage, *, status: int = 200) -> Response:
        """Return a sign-in page."""
        return render_auth_page(
            request, self.t(request), self.language(request), page, self.settings, status=status
        )

    async def next_step(self, request: Request, step: str | None) -> Response:
        """Redirect to the next step of this sign-in, or open the session when none is missing.

        Raises:
            SignInExpiredError: The sign-in does not exist any more.
        """
        state = await self.write(
            lambda session: get_sign_in_state(session=session, secret=step, now=now())
        )
        if state.next is RequiredStep.NOTHING:
            session_secret = await self.write(
                lambda session: complete_sign_in(
                    session=session, secret=step, limits=self.limits, now=now()
                )
            )
            return await self.start_session(request, session_secret, state.redirect_to)
        response = redirect_response("/auth/step")
        self.set_step_cookie(response, request, step or "")
        return response

    async def start_session(self, request: Request, secret: str, target: str | None) -> Response:
        """Set the cookie of the new session, end the browser's previous one, and redirect."""
        before = request.cookies.get(COOKIE)
        if before:
            await self.write(lambda session: sign_out(session=session, secret=before, now=now()))
        response = redirect_response(safe_path(target))
        lifetime = int(self.limits.lifetime.total_seconds())
        set_cookie(response, request, self.settings, COOKIE, secret, max_age=lifetime)
        delete_cookie(response, STEP_COOKIE, path="/auth")
        return response

    def set_step_cookie(self, response: Response, request: Request, secret: str) -> None:
        """Make the browser keep the secret of a sign-in until it is closed."""
        set_cookie(response, request, self.settings, STEP_COOKIE, secret, path="/auth")
