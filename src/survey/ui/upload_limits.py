"""Limits on uploaded files: their owners, number and bytes held in memory."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from survey.settings import Settings

MAX_CONCURRENT_UPLOADS, MAX_CONCURRENT_UPLOADS_PER_SESSION = 6, 2
"""Bodies that are read at the same time, of everybody and of one session; others wait."""
MAX_CHUNK_SECONDS = 20.0
"""From one piece of a file to the next."""
MAX_UPLOAD_SECONDS = 600.0
ENVELOPE_BYTES = 64 * 1024
"""What a form adds to the file in it."""
_MEGABYTE = 1 << 20


class UploadLimits:
    """ASGI middleware that limits uploads, as Streamlit keeps every file in memory."""

    def __init__(self, pages: ASGIApp, settings: Settings, owners: dict[str, str]) -> None:
        self.pages, self.owners = pages, owners
        self._max_files = settings.uploads_per_session
        self._max_bytes_per_session = settings.upload_megabytes_per_session * _MEGABYTE
        self._max_bytes = settings.upload_megabytes * _MEGABYTE
        self._pending_bytes: Counter[str] = Counter()
        self._pending_uploads: Counter[str] = Counter()
        self._slots: asyncio.Semaphore | None = None
        self._session_slots: dict[str, asyncio.Semaphore] = {}

    async def __call__(self, owner: str, scope: Scope, receive: Receive, send: Send) -> None:
        number, _, name = scope["path"].split("/", 3)[-1].partition("/")
        if self.owners.get(number) != owner or not name:
            await _send_refusal(403, scope, receive, send)
        elif scope["method"] != "PUT":
            await self.pages(scope, receive, send)
        else:
            await self._receive_upload(owner, scope, receive, send)

    async def _receive_upload(self, owner: str, scope: Scope, receive: Receive, send: Send) -> None:
        length = Request(scope).headers.get("content-length", "")
        if not length.isascii() or not length.isdecimal():
            await _send_refusal(411, scope, receive, send)
            return
        size = int(length)
        status = self._get_refusal_status(owner, size)
        if status:
            await _send_refusal(status, scope, receive, send)
            return
        self._pending_bytes[owner] += size
        self._pending_uploads[owner] += 1
        try:
            async with AsyncExitStack() as turns, asyncio.timeout(MAX_UPLOAD_SECONDS):
                await turns.enter_async_context(self._get_session_slot(owner))
                await turns.enter_async_context(self._get_upload_slot())
                await self.pages(scope, _limit_chunk_time(receive), send)
        finally:
            self._pending_bytes[owner] -= size
            self._pending_uploads[owner] -= 1
            if not self._pending_uploads[owner]:
                del self._pending_uploads[owner], self._pending_bytes[owner]
                self._session_slots.pop(owner, None)

    def _get_refusal_status(self, owner: str, size: int) -> int:
        """Return the HTTP status that refuses the file; 0 if it is accepted."""
        held = count_uploaded_files()
        own = [held.get(number, (0, 0)) for number in self._list_page_numbers(owner)]
        count = sum(files for files, _ in own) + self._pending_uploads[owner]
        if self._max_files and count >= self._max_files:
            return 429
        mine = sum(octets for _, octets in own) + self._pending_bytes[owner]
        if (
            self._max_bytes_per_session
            and mine + size > self._max_bytes_per_session + ENVELOPE_BYTES
        ):
            return 413
        everything = sum(octets for _, octets in held.values()) + self._pending_bytes.total()
        return 503 if self._max_bytes and everything + size > self._max_bytes else 0

    def _list_page_numbers(self, owner: str) -> list[str]:
        return [number for number, whose in self.owners.items() if whose == owner]

    def _get_upload_slot(self) -> asyncio.Semaphore:
        if self._slots is None:
            self._slots = asyncio.Semaphore(MAX_CONCURRENT_UPLOADS)
        return self._slots

    def _get_session_slot(self, owner: str) -> asyncio.Semaphore:
        return self._session_slots.setdefault(
            owner, asyncio.Semaphore(MAX_CONCURRENT_UPLOADS_PER_SESSION)
        )


def count_uploaded_files() -> dict[str, tuple[int, int]]:
    """Return number and bytes of uploaded files by page."""
    manager = Runtime.instance().uploaded_file_mgr if Runtime.exists() else None
    if not isinstance(manager, MemoryUploadedFileManager):
        return {}
    return {
        number: (len(files), sum(len(file.data) for file in [*files.values()]))
        for number, files in [*manager.file_storage.items()]
    }


def _limit_chunk_time(receive: Receive) -> Receive:
    """Limit the time between two parts of a request body."""

    async def patiently() -> Message:
        try:
            return await asyncio.wait_for(receive(), MAX_CHUNK_SECONDS)
        except TimeoutError:
            return {"type": "http.disconnect"}

    return patiently


async def _send_refusal(status: int, scope: Scope, receive: Receive, send: Send) -> None:
    response = PlainTextResponse("refused", status, {"Connection": "close"})
    await response(scope, receive, send)
