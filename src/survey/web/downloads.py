"""`GET /download/{number}`: files that a page has made, fetched once by whoever asked for them.

A page leaves the bytes here when somebody presses the button and gets an address that works once,
for a minute, with the cookie of that very session; who the person is and what they may do is looked
up again at that moment. Addresses are of one process, as the pages are: a proxy before several
processes keeps each browser at one of them.
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
from survey.access.principal import AccessDeniedError, Action, Principal
from survey.access.sessions import COOKIE
from survey.access.tokens import digest, new_token
from survey.locale import SurveyError, msg
from survey.settings import Settings
from survey.store.tables import now
from survey.store.transactions import run_in_transaction
from survey.web.current_principal import find_current_principal
from survey.web.http import NO_STORE, is_same_site
from survey.web.notice_pages import NoticePage, render_notice

PREFIX = "/download/"
LIFETIME_SECONDS = 60.0
"""Seconds that a file waits; the page's script fetches it at once."""
MAX_SESSION_BYTES = 128 * 2**20
MAX_PROCESS_BYTES = 384 * 2**20
_MAX_PENDING_FILES = 8
"""Files of one session; the oldest makes way."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")

_EXPIRED_NOTICE = NoticePage(
    404,
    msg("This file is not here any more"),
    msg("Please go back to the page and press the button again."),
)
_EXPIRED_REASON = msg(
    "A link to a file works once, within a minute, for the person who asked for it."
)
_FORBIDDEN_NOTICE = NoticePage(
    403, msg("This file is not open to you any more"), msg("Please load the page again.")
)
_RIGHTS_CHANGED = msg("Your role or area has changed since this page was drawn.")


class DownloadTooLargeError(SurveyError):
    code = "download_too_large"


class TooManyDownloadsError(SurveyError):
    code = "too_many_downloads"


@dataclass(frozen=True)
class Download:
    """A file with whom it was made for, and the right that they had to it."""

    name: str
    media_type: str
    content: bytes = field(repr=False)
    principal: Principal
    action: Action | None

    def require_right(self, person: Principal) -> None:
        """Raise `AccessDeniedError` unless `person` is still who the file was made for."""
        require_unchanged_principal(self.principal, person)
        if self.action is not None:
            person.require(self.action)


def require_unchanged_principal(before: Principal, person: Principal) -> None:
    """Raise `AccessDeniedError` when it is somebody else now, or with another role or area."""
    changed = (before.account_id, before.role, before.area) != (
        person.account_id, person.role, person.area,
    )  # fmt: skip
    if changed:
        raise AccessDeniedError(_RIGHTS_CHANGED)


@dataclass(frozen=True)
class _PendingDownload:
    download: Download
    holder: str
    """Hash of the session's secret."""
    expires_at: float

    @property
    def size(self) -> int:
        return len(self.download.content)


@dataclass
class DownloadStore:
    """The files of one process that wait to be fetched; bounded in bytes, number and time."""

    max_session_bytes: int = MAX_SESSION_BYTES
    max_process_bytes: int = MAX_PROCESS_BYTES
    clock: Callable[[], float] = time.monotonic
    _pending: dict[str, _PendingDownload] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _sweeper: Timer | None = None

    def add(self, secret: str, download: Download) -> str:
        """Keep the file for the session with this secret; the address under which it waits."""
        waiting = _PendingDownload(download, digest(secret), self.clock() + LIFETIME_SECONDS)
        number = new_token(bits=256)
        with self._lock:
            self._drop_expired()
            self._make_room(waiting)
            self._pending[number] = waiting
            self._sweep_later()
        return PREFIX + number

    def pop(self, number: str, secret: str) -> Download | None:
        """The file, which then is gone; None for any other session, which changes nothing."""
        with self._lock:
            self._drop_expired()
            waiting = self._pending.get(number)
            if waiting is None or waiting.holder != digest(secret):
                return None
            return self._pending.pop(number).download

    def forget(self, secret: str) -> None:
        """Drop all files of a session that has ended."""
        holder = digest(secret)
        with self._lock:
            for number in [
                each for each, waiting in self._pending.items() if waiting.holder == holder
            ]:
                del self._pending[number]

    @property
    def held_bytes(self) -> int:
        return sum(waiting.size for waiting in self._pending.values())

    def _drop_expired(self) -> None:
        moment = self.clock()
        for number in [
            each for each, waiting in self._pending.items() if waiting.expires_at <= moment
        ]:
            del self._pending[number]

    def _make_room(self, new: _PendingDownload) -> None:
        """Older files of the same session make way; those of others do not."""
        if new.size > self.max_session_bytes:
            raise DownloadTooLargeError(
                msg(
                    "The file would be larger than {megabytes} MB. Please choose less.",
                    megabytes=self.max_session_bytes >> 20,
                )
            )
        own = [number for number, waiting in self._pending.items() if waiting.holder == new.holder]
        held = sum(self._pending[number].size for number in own)
        while own and (held + new.size > self.max_session_bytes or len(own) >= _MAX_PENDING_FILES):
            held -= self._pending.pop(own.pop(0)).size
        if self.held_bytes + new.size > self.max_process_bytes:
            raise TooManyDownloadsError(
                msg("Many large files are being fetched just now. Please try again in a minute.")
            )

    def _sweep_later(self) -> None:
        """Files that nobody fetches are dropped although nobody comes any more."""
        if self._sweeper is None:
            self._sweeper = Timer(LIFETIME_SECONDS, self._sweep)
            self._sweeper.daemon = True
            self._sweeper.start()

    def _sweep(self) -> None:
        with self._lock:
            self._sweeper = None
            self._drop_expired()
            if self._pending:
                self._sweep_later()


DOWNLOAD_STORE = DownloadStore()
"""Those of this process: pages leave files here, the route below gives them out."""


def content_disposition(name: str) -> str:
    """`Content-Disposition` for a file of this name, in whatever script it is written."""
    plain = _UNSAFE.sub("_", name).strip("._") or "file"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


@dataclass(frozen=True)
class _DownloadEndpoint:
    settings: Settings

    async def get_file(self, request: Request) -> Response:
        """`GET /download/{number}`: 200 once, 403 without the session or the right, else 404."""
        if request.method != "GET":
            # Starlette adds HEAD, which would use the file up and give nothing.
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
            return render_notice(request, _EXPIRED_NOTICE, _EXPIRED_REASON, self.settings.language)
        try:
            download.require_right(person)
        except AccessDeniedError as error:
            return render_notice(request, _FORBIDDEN_NOTICE, error.message, self.settings.language)
        self._record_download(download, person)
        headers = {**NO_STORE, "Content-Disposition": content_disposition(download.name)}
        return Response(download.content, media_type=download.media_type, headers=headers)

    def _record_download(self, download: Download, person: Principal) -> None:
        """Into the trail before the first byte leaves: what cannot be entered is not given away."""
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
    return [Route(PREFIX + "{number}", _DownloadEndpoint(settings).get_file, methods=["GET"])]
