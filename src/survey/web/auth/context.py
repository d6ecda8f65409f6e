"""Services shared by the sign-in endpoints: store, language, cookies and rate limit."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from survey.access.sessions import COOKIE, SessionLimits, sign_out
from survey.access.sign_in import RequiredStep, complete_sign_in, get_sign_in_state
from survey.locale import Translator, translator
from survey.settings import Settings
from survey.store.tables import now
from survey.store.transactions import run_in_transaction
from survey.web.auth.pages import AuthPage, render_auth_page
from survey.web.html import negotiate_language
from survey.web.http import (
    client_address,
    delete_cookie,
    read_verified_form,
    redirect_response,
    safe_path,
    set_cookie,
)
from survey.web.limits import RateLimit
from survey.web.notice_pages import refuse_too_many_requests

STEP_COOKIE = "survey_step"
"""Cookie with the secret of a sign-in that is not complete; it opens no page."""
MAX_CONCURRENT_HASHES = 4
"""Each takes 19 MiB and a core for about 50 ms; more at once would only wait for one another."""

T = TypeVar("T")


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
