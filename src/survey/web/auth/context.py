"""What every sign-in route needs: the store, the visitor's words, cookies, and a limit."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from survey.access.sessions import COOKIE, SessionLimits, sign_out
from survey.access.sign_in import RequiredStep, complete_sign_in, get_sign_in_state
from survey.locale import Translator, translator
from survey.settings import Settings
from survey.store.tables import now
from survey.store.transactions import run_in_transaction
from survey.web.auth.forms import NO_STORE, AuthPage, render_auth_page
from survey.web.html import negotiate_language
from survey.web.notice_pages import render_too_many_requests
from survey.web.rate_limit import RateLimit, client_address
from survey.web.security import is_https, safe_path

STEP_COOKIE = "survey_step"
"""Holds the secret of a sign-in that is not finished; opens no page."""
MAX_CONCURRENT_HASHES = 4
"""Each takes 19 MiB and a core for some 50 ms; more at once would only wait for one another."""

T = TypeVar("T")


@dataclass(frozen=True)
class AuthContext:
    """Shared by the routes of signing in."""

    settings: Settings
    limit: RateLimit
    hashing: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(MAX_CONCURRENT_HASHES))

    @property
    def limits(self) -> SessionLimits:
        return SessionLimits(
            timedelta(hours=self.settings.session_hours),
            timedelta(minutes=self.settings.idle_minutes),
        )

    def language(self, request: Request) -> str:
        return negotiate_language(request, self.settings.language)

    def t(self, request: Request) -> Translator:
        return translator(self.language(request))

    def address(self, request: Request) -> str:
        return client_address(request, self.settings.trusted_proxies)

    def busy(self, request: Request) -> Response | None:
        """The answer for somebody who posts too often, whatever it is."""
        wait = self.limit.wait(self.address(request))
        return render_too_many_requests(request, wait, self.settings.language) if wait else None

    async def write(self, work: Callable[[Session], T]) -> T:
        """Run `work` in a transaction of its own."""
        return await to_thread.run_sync(run_in_transaction, self.settings.store_url, work)

    async def run_hashing(self, work: Callable[[], T]) -> T:
        """Hash something, with only a few others at the same time."""
        return await to_thread.run_sync(work, limiter=self.hashing)

    def render(self, request: Request, sheet: AuthPage, *, status: int = 200) -> Response:
        return render_auth_page(
            request, self.t(request), self.language(request), sheet, status=status,
            trusted_proxies=self.settings.trusted_proxies,
        )  # fmt: skip

    async def next_step(self, request: Request, step: str | None) -> Response:
        """To the next step of this sign-in, or in when nothing is missing. Raises
        `SignInExpiredError`.
        """
        where = await self.write(
            lambda session: get_sign_in_state(session=session, secret=step, now=now())
        )
        if where.next is RequiredStep.NOTHING:
            opened = await self.write(
                lambda session: complete_sign_in(
                    session=session, secret=step, limits=self.limits, now=now()
                )
            )
            return await self.start_session(request, opened, where.redirect_to)
        response = RedirectResponse("/auth/step", 303, headers=NO_STORE)
        self.set_cookie(request, response, STEP_COOKIE, step or "", "/auth")
        return response

    async def start_session(self, request: Request, secret: str, target: str | None) -> Response:
        """Signed in: a new cookie; whoever was signed in here before is signed out."""
        before = request.cookies.get(COOKIE)
        if before:
            await self.write(lambda session: sign_out(session=session, secret=before, now=now()))
        response = RedirectResponse(safe_path(target), 303, headers=NO_STORE)
        self.set_cookie(request, response, COOKIE, secret, "/", self.limits.lifetime)
        response.delete_cookie(STEP_COOKIE, path="/auth", httponly=True, samesite="lax")
        return response

    def set_cookie(
        self, request: Request, response: Response, name: str, value: str, path: str,
        lifetime: timedelta | None = None,
    ) -> None:  # fmt: skip
        """Set a cookie that no script can read and no other site can send along with a post."""
        response.set_cookie(
            name, value, path=path, httponly=True, samesite="lax",
            max_age=int(lifetime.total_seconds()) if lifetime else None,
            secure=is_https(request, self.settings.trusted_proxies),
        )  # fmt: skip
