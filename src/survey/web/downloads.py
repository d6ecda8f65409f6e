"""Files that a page has prepared and its browser fetches once (`GET /download/{number}`).

A page stores the bytes here when its button is pressed and gets an address that works once, for a
minute, with the cookie of the same session; principal and right are looked up again at that time.
Addresses are valid in one process, as pages are: a proxy before several processes keeps each
browser at one of them.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock, Timer
from urllib.parse import quote

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.access.audit import record_download
from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import Action
from survey.access.secret_hashes import digest, new_token
from survey.access.sessions import COOKIE
from survey.locale import RefusedError, msg
from survey.settings import Settings
from survey.store.tables import now
from survey.store.transactions import run_in_transaction
from survey.web.http import NO_STORE, is_same_site
from survey.web.notice_pages import NoticePage, render_notice
from survey.web.request_middleware import find_current_principal

PREFIX = "/download/"
LIFETIME_SECONDS = 60.0
"""Seconds that a file is kept; the page's script fetches it at once."""
MAX_SESSION_BYTES = 128 * 2**20
MAX_PROCESS_BYTES = 384 * 2**20
_MAX_PENDING_FILES = 8
"""Files of one session; the oldest is dropped for a new one."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")

_EXPIRED_NOTICE = NoticePage(
    404,
    msg("This file is not here any more"),
    msg("Please go back to the page and press the button again."),
)
_SINGLE_USE = msg("A link to a file works once, within a minute, for the person who asked for it.")
_FORBIDDEN_NOTICE = NoticePage(
    403, msg("This file is not open to you any more"), msg("Please load the page again.")
)


@dataclass(frozen=True)
class Download:
    """Prepared file with the principal it was made for and the right needed to fetch it."""

    name: str
    media_type: str
    content: bytes = field(repr=False)
    principal: Principal
    action: Action | None

    def require_right(self, person: Principal) -> None:
        """Raise `AccessDeniedError` if `person` differs in account, role, area, or has no right."""
        require_unchanged_principal(self.principal, person)
        if self.action is not None:
            person.require(self.action)


def require_unchanged_principal(before: Principal, person: Principal) -> None:
    """Raise `AccessDeniedError` if account, role or area of `person` differ from `before`."""
    changed = (before.account_id, before.role, before.area) != (
        person.account_id,
        person.role,
        person.area,
    )
    if changed:
        raise AccessDeniedError(msg("Your role or area has changed since this page was drawn."))


@dataclass(frozen=True)
class _PendingDownload:
    download: Download
    holder: str
    """Hash of the secret of the session that may fetch it."""
    expires_at: float

    @property
    def size(self) -> int:
        return len(self.download.content)


@dataclass
class DownloadStore:
    """Prepared files of one process, limited in bytes, number and time."""

    max_session_bytes: int = MAX_SESSION_BYTES
    max_process_bytes: int = MAX_PROCESS_BYTES
    clock: Callable[[], float] = time.monotonic
    _pending: dict[str, _PendingDownload] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _sweeper: Timer | None = None

    def add(self, secret: str, download: Download) -> str:
        """Keep a file for the session with this secret; return the address to fetch it at.

        Raises:
            RefusedError: The file is larger than one session may keep.
            RefusedError: The files of all sessions would take too much memory.
        """
        waiting = _PendingDownload(download, digest(secret), self.clock() + LIFETIME_SECONDS)
        number = new_token(bits=256)
        with self._lock:
            self._drop_expired()
            self._make_room(waiting)
            self._pending[number] = waiting
            self._sweep_later()
        return PREFIX + number

    def pop(self, number: str, secret: str) -> Download | None:
        """Remove and return file `number`; for any session but its own, keep it and return None."""
        with self._lock:
            self._drop_expired()
            waiting = self._pending.get(number)
            if waiting is None or waiting.holder != digest(secret):
                return None
            return self._pending.pop(number).download

    def forget(self, secret: str) -> None:
        """Drop all prepared files of a session that has ended."""
        holder = digest(secret)
        with self._lock:
            self._keep_only(lambda waiting: waiting.holder != holder)

    @property
    def held_bytes(self) -> int:
        """Size of all kept files together."""
        return sum(waiting.size for waiting in self._pending.values())

    def _drop_expired(self) -> None:
        moment = self.clock()
        self._keep_only(lambda waiting: waiting.expires_at > moment)

    def _keep_only(self, is_kept: Callable[[_PendingDownload], bool]) -> None:
        self._pending = {number: each for number, each in self._pending.items() if is_kept(each)}

    def _make_room(self, new: _PendingDownload) -> None:
        """Drop the session's oldest files until `new` fits; raise `RefusedError` if it cannot."""
        if new.size > self.max_session_bytes:
            raise RefusedError(
                "download_too_large",
                msg(
                    "The file would be larger than {megabytes} MB. Please choose less.",
                    megabytes=self.max_session_bytes >> 20,
                ),
            )
        own = [number for number, waiting in self._pending.items() if waiting.holder == new.holder]
        held = sum(self._pending[number].size for number in own)
        while own and (held + new.size > self.max_session_bytes or len(own) >= _MAX_PENDING_FILES):
            held -= self._pending.pop(own.pop(0)).size
        if self.held_bytes + new.size > self.max_process_bytes:
            raise RefusedError(
                "too_many_downloads",
                msg("Many large files are being fetched just now. Please try again in a minute."),
            )

    def _sweep_later(self) -> None:
        """Start a timer that drops expired files, even if no further request arrives."""
        if self._sweeper is None:
            self._sweeper = Timer(LIFETIME_SECONDS, self._sweep_expired)
            self._sweeper.daemon = True
            self._sweeper.start()

    def _sweep_expired(self) -> None:
        with self._lock:
            self._sweeper = None
            self._drop_expired()
            if self._pending:
                self._sweep_later()


DOWNLOAD_STORE = DownloadStore()
"""Files of this process: pages add them, the endpoint below serves them."""


def content_disposition(name: str) -> str:
    """Return the `Content-Disposition` header for a file name with any characters."""
    plain = _UNSAFE.sub("_", name).strip("._") or "file"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


@dataclass(frozen=True)
class _DownloadEndpoint:
    """Endpoint that serves prepared files."""

    settings: Settings

    async def get_file(self, request: Request) -> Response:
        """Return the file once; 403 without the session or the right, 404 if there is no file."""
        if request.method != "GET":
            # Starlette adds HEAD, which would remove the file and send nothing.
            raise HTTPException(405)
        return await to_thread.run_sync(self._get_file, request)

    def _get_file(self, request: Request) -> Response:
        person, secret = find_current_principal(request, self.settings), request.cookies.get(COOKIE)
        if person is None or secret is None or not is_same_site(request, self.settings):
            return render_notice(
                request, _FORBIDDEN_NOTICE, msg("Please sign in first."), self.settings.language
            )
        download = DOWNLOAD_STORE.pop(request.path_params["number"], secret)
        if download is None:
            return render_notice(request, _EXPIRED_NOTICE, _SINGLE_USE, self.settings.language)
        try:
            download.require_right(person)
        except AccessDeniedError as error:
            return render_notice(request, _FORBIDDEN_NOTICE, error.message, self.settings.language)
        self._record_download(download, person)
        headers = {**NO_STORE, "Content-Disposition": content_disposition(download.name)}
        return Response(download.content, media_type=download.media_type, headers=headers)

    def _record_download(self, download: Download, person: Principal) -> None:
        """Record the download before it is sent; if that fails, nothing is sent."""
        run_in_transaction(
            self.settings.store_url,
            lambda session: record_download(
                session=session,
                principal=person,
                file_name=download.name,
                size=len(download.content),
                now=now(),
            ),
        )


def routes(settings: Settings) -> list[BaseRoute]:
    """Return the route of prepared files."""
    return [Route(PREFIX + "{number}", _DownloadEndpoint(settings).get_file, methods=["GET"])]
