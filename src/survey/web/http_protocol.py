"""HTTP protocol with limits for the head of a request, which uvicorn leaves to a proxy.

The platform may run without a reverse proxy; a client that sends a head slowly or without end must
cost nothing in either case.
"""

import asyncio
import re

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MAX_HEAD_BYTES = 32 * 1024
"""Request line and headers together; browsers send about 1 kB."""
HEAD_SECONDS = 20.0
"""From the first byte of a connection, or of the next request on it, to the end of the head."""


_HOST = re.compile(rb"[A-Za-z0-9._~-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
"""A name or an address, and a port; nothing that two programs could read differently."""


class _HeadTooLargeError(Exception):
    """Raised when the head is larger than `MAX_HEAD_BYTES`."""


class _AmbiguousHostError(Exception):
    """Raised without exactly one valid `Host`: server and proxy could disagree about it."""


class LimitedHttpProtocol(HttpToolsProtocol):
    """Uvicorn's HTTP/1.1 protocol, which closes connections whose head is too slow or too large."""

    _head_timer: asyncio.TimerHandle | None = None
    _within_head = True
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._refuse_slow_head)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        unfinished = self._within_head
        if unfinished:
            self._head_bytes += len(data)
            if self._head_timer is None:
                self._head_timer = self.loop.call_later(HEAD_SECONDS, self._refuse_slow_head)
        super().data_received(data)
        if unfinished and self._within_head and self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(431)

    def on_headers_complete(self) -> None:
        self._end_head()
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > MAX_HEAD_BYTES:
            # uvicorn answers 400 to exceptions in the callbacks of its parser.
            raise _HeadTooLargeError
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) != 1 or not _HOST.fullmatch(hosts[0].strip()):
            raise _AmbiguousHostError
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._within_head, self._head_bytes = True, 0

    def _end_head(self) -> None:
        self._within_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse_slow_head(self) -> None:
        self._head_timer = None
        self._refuse(408)

    def _refuse(self, status: int) -> None:
        if not self.transport.is_closing():
            self.transport.write(
                STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n"
            )
            self.transport.close()
