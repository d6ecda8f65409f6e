"""Files that readers add to a page: whose they are, and how much of them is held in memory."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from survey.settings import Settings

AT_ONCE, AT_ONCE_EACH = 6, 2
"""Bodies that are read at the same time, of everybody and of one session; others wait."""
PIECE_SECONDS = 20.0
"""From one piece of a file to the next."""
WHOLE_SECONDS = 600.0
ENVELOPE_BYTES = 64 * 1024
"""What a form adds to the file in it."""
_MEGABYTE = 1 << 20


class UploadLimits:
    """Stands before Streamlit's address for files, which keeps whatever it is sent in memory."""

    def __init__(self, pages: ASGIApp, settings: Settings, owners: dict[str, str]) -> None:
        self.pages, self.owners = pages, owners
        self._most_files = settings.uploads_per_session
        self._most = settings.upload_megabytes_per_session * _MEGABYTE
        self._most_of_all = settings.upload_megabytes * _MEGABYTE
        self._coming: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()
        self._turns: asyncio.Semaphore | None = None
        self._own_turns: dict[str, asyncio.Semaphore] = {}

    async def __call__(self, owner: str, scope: Scope, receive: Receive, send: Send) -> None:
        number, _, name = scope["path"].split("/", 3)[-1].partition("/")
        if self.owners.get(number) != owner or not name:
            await _answer(403, scope, receive, send)
        elif scope["method"] != "PUT":
            await self.pages(scope, receive, send)
        else:
            await self._take(owner, scope, receive, send)

    async def _take(self, owner: str, scope: Scope, receive: Receive, send: Send) -> None:
        length = Request(scope).headers.get("content-length", "")
        if not length.isascii() or not length.isdecimal():
            await _answer(411, scope, receive, send)
            return
        size = int(length)
        status = self._refusal(owner, size)
        if status:
            await _answer(status, scope, receive, send)
            return
        self._coming[owner] += size
        self._waiting[owner] += 1
        try:
            async with AsyncExitStack() as turns, asyncio.timeout(WHOLE_SECONDS):
                await turns.enter_async_context(self._own_turn(owner))
                await turns.enter_async_context(self._turn())
                await self.pages(scope, _in_pieces(receive), send)
        finally:
            self._coming[owner] -= size
            self._waiting[owner] -= 1
            if not self._waiting[owner]:
                del self._waiting[owner], self._coming[owner]
                self._own_turns.pop(owner, None)

    def _refusal(self, owner: str, size: int) -> int:
        """The status for a file that is one too many, or too large; 0: it may come."""
        held = files_held()
        own = [held.get(number, (0, 0)) for number in self._numbers(owner)]
        count = sum(files for files, _ in own) + self._waiting[owner]
        if self._most_files and count >= self._most_files:
            return 429
        mine = sum(octets for _, octets in own) + self._coming[owner]
        if self._most and mine + size > self._most + ENVELOPE_BYTES:
            return 413
        everything = sum(octets for _, octets in held.values()) + self._coming.total()
        return 503 if self._most_of_all and everything + size > self._most_of_all else 0

    def _numbers(self, owner: str) -> list[str]:
        return [number for number, whose in self.owners.items() if whose == owner]

    def _turn(self) -> asyncio.Semaphore:
        if self._turns is None:
            self._turns = asyncio.Semaphore(AT_ONCE)
        return self._turns

    def _own_turn(self, owner: str) -> asyncio.Semaphore:
        return self._own_turns.setdefault(owner, asyncio.Semaphore(AT_ONCE_EACH))


def files_held() -> dict[str, tuple[int, int]]:
    """Files and their bytes, for every page that holds some."""
    manager = Runtime.instance().uploaded_file_mgr if Runtime.exists() else None
    if not isinstance(manager, MemoryUploadedFileManager):
        return {}
    return {
        number: (len(files), sum(len(file.data) for file in [*files.values()]))
        for number, files in [*manager.file_storage.items()]
    }


def _in_pieces(receive: Receive) -> Receive:
    """A body that may not stop on its way."""

    async def patiently() -> Message:
        try:
            return await asyncio.wait_for(receive(), PIECE_SECONDS)
        except TimeoutError:
            return {"type": "http.disconnect"}

    return patiently


async def _answer(status: int, scope: Scope, receive: Receive, send: Send) -> None:
    response = PlainTextResponse("refused", status, {"Connection": "close"})
    await response(scope, receive, send)
