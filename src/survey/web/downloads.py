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

from survey.access.audit_views import record_download
from survey.access.principal import AccessDenied, Action, Principal
from survey.access.sessions import COOKIE
from survey.access.tokens import digest, new_token
from survey.locale import SurveyError, msg
from survey.settings import Settings
from survey.store.tables import now
from survey.store.unavailable import change_scope
from survey.web.notices import Notice, show_notice
from survey.web.security import PAGE_HEADERS, is_same_site
from survey.web.visitor import visitor

PREFIX = "/download/"
LIFETIME = 60.0
"""Seconds that a file waits; the page's script fetches it at once."""
MOST_OF_SESSION = 128 * 2**20
MOST_OF_PROCESS = 384 * 2**20
_MOST_WAITING = 8
"""Files of one session; the oldest makes way."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")

_GONE = Notice(
    404,
    msg("This file is not here any more"),
    msg("Please go back to the page and press the button again."),
)
_GONE_WHY = msg("A link to a file works once, within a minute, for the person who asked for it.")
_CLOSED = Notice(
    403, msg("This file is not open to you any more"), msg("Please load the page again.")
)
_RIGHTS_CHANGED = msg("Your role or area has changed since this page was drawn.")


class DownloadTooLarge(SurveyError):
    code = "download_too_large"


class TooManyDownloads(SurveyError):
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
        """Raise `AccessDenied` unless `person` is still who the file was made for."""
        require_same(self.principal, person)
        if self.action is not None:
            person.require(self.action)


def require_same(before: Principal, person: Principal) -> None:
    """Raise `AccessDenied` when it is somebody else now, or with another role or area."""
    changed = (before.account_id, before.role, before.area) != (
        person.account_id, person.role, person.area,
    )  # fmt: skip
    if changed:
        raise AccessDenied(_RIGHTS_CHANGED)


@dataclass(frozen=True)
class _Waiting:
    download: Download
    holder: str
    """Hash of the session's secret."""
    until: float

    @property
    def size(self) -> int:
        return len(self.download.content)


@dataclass
class Downloads:
    """The files of one process that wait to be fetched; bounded in bytes, number and time."""

    most_of_session: int = MOST_OF_SESSION
    most_of_process: int = MOST_OF_PROCESS
    clock: Callable[[], float] = time.monotonic
    _waiting: dict[str, _Waiting] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _sweeper: Timer | None = None

    def offer(self, secret: str, download: Download) -> str:
        """Keep the file for the session with this secret; the address under which it waits."""
        waiting = _Waiting(download, digest(secret), self.clock() + LIFETIME)
        number = new_token(bits=256)
        with self._lock:
            self._drop_old()
            self._make_room(waiting)
            self._waiting[number] = waiting
            self._sweep_later()
        return PREFIX + number

    def take(self, number: str, secret: str) -> Download | None:
        """The file, which then is gone; None for any other session, which changes nothing."""
        with self._lock:
            self._drop_old()
            waiting = self._waiting.get(number)
            if waiting is None or waiting.holder != digest(secret):
                return None
            return self._waiting.pop(number).download

    def forget(self, secret: str) -> None:
        """Drop all files of a session that has ended."""
        holder = digest(secret)
        with self._lock:
            for number in [
                each for each, waiting in self._waiting.items() if waiting.holder == holder
            ]:
                del self._waiting[number]

    @property
    def held_bytes(self) -> int:
        return sum(waiting.size for waiting in self._waiting.values())

    def _drop_old(self) -> None:
        moment = self.clock()
        for number in [each for each, waiting in self._waiting.items() if waiting.until <= moment]:
            del self._waiting[number]

    def _make_room(self, new: _Waiting) -> None:
        """Older files of the same session make way; those of others do not."""
        if new.size > self.most_of_session:
            raise DownloadTooLarge(
                msg(
                    "The file would be larger than {megabytes} MB. Please choose less.",
                    megabytes=self.most_of_session >> 20,
                )
            )
        own = [number for number, waiting in self._waiting.items() if waiting.holder == new.holder]
        held = sum(self._waiting[number].size for number in own)
        while own and (held + new.size > self.most_of_session or len(own) >= _MOST_WAITING):
            held -= self._waiting.pop(own.pop(0)).size
        if self.held_bytes + new.size > self.most_of_process:
            raise TooManyDownloads(
                msg("Many large files are being fetched just now. Please try again in a minute.")
            )

    def _sweep_later(self) -> None:
        """Files that nobody fetches are dropped although nobody comes any more."""
        if self._sweeper is None:
            self._sweeper = Timer(LIFETIME, self._sweep)
            self._sweeper.daemon = True
            self._sweeper.start()

    def _sweep(self) -> None:
        with self._lock:
            self._sweeper = None
            self._drop_old()
            if self._waiting:
                self._sweep_later()


DOWNLOADS = Downloads()
"""Those of this process: pages leave files here, the route below gives them out."""


def attachment(name: str) -> str:
    """`Content-Disposition` for a file of this name, in whatever script it is written."""
    plain = _UNSAFE.sub("_", name).strip("._") or "file"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


@dataclass(frozen=True)
class _Counter:
    settings: Settings

    async def fetch(self, request: Request) -> Response:
        """`GET /download/{number}`: 200 once, 403 without the session or the right, else 404."""
        if request.method != "GET":
            # Starlette adds HEAD, which would use the file up and give nothing.
            raise HTTPException(405)
        return await to_thread.run_sync(self._fetch, request)

    def _fetch(self, request: Request) -> Response:
        person, secret = visitor(request, self.settings), request.cookies.get(COOKIE)
        if person is None or secret is None or not is_same_site(request):
            return show_notice(
                request, _CLOSED, msg("Please sign in first."), self.settings.language
            )
        download = DOWNLOADS.take(request.path_params["number"], secret)
        if download is None:
            return show_notice(request, _GONE, _GONE_WHY, self.settings.language)
        try:
            download.require_right(person)
        except AccessDenied as error:
            return show_notice(request, _CLOSED, error.message, self.settings.language)
        self._enter(download, person)
        headers = {"Content-Disposition": attachment(download.name), "Cache-Control": "no-store"}
        return Response(
            download.content, media_type=download.media_type, headers={**PAGE_HEADERS, **headers}
        )

    def _enter(self, download: Download, person: Principal) -> None:
        """Into the trail before the first byte leaves: what cannot be entered is not given away."""
        with change_scope(self.settings.store_url) as session:
            record_download(
                session=session, principal=person, file_name=download.name,
                size=len(download.content), now=now(),
            )  # fmt: skip


def routes(settings: Settings) -> list[BaseRoute]:
    return [Route(PREFIX + "{number}", _Counter(settings).fetch, methods=["GET"])]
