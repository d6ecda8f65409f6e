"""Respondents as cheap as can be: each loads the page behind its link, says that it
shows the form, then hands in.

One process and one event loop; requests are bytes put together beforehand, answers are read just
far enough to know their end. So the machine's time goes to the server and not to its visitors.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import uuid4

import orjson

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


@dataclass(frozen=True)
class Script:
    """What a respondent sends, apart from its own token and UUID."""

    addresses: tuple[tuple[str, int], ...]
    """Servers; the respondents are split evenly among them."""
    assets: tuple[str, ...]
    """Paths that a browser with an empty cache fetches as well."""
    interviews: tuple[bytes, ...]
    """Submissions as JSON without the opening brace, the UUID and the token."""


@dataclass
class LoadResult:
    """What came of a run; times in seconds."""

    receipts: dict[str, str] = field(default_factory=dict)
    """Client UUID -> response id, of every receipt."""
    pages: list[float] = field(default_factory=list)
    opened: list[float] = field(default_factory=list)
    """Saying that the form is shown, by which the link becomes the device's."""
    submits: list[float] = field(default_factory=list)
    assets: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    received: int = 0


class _Connection(asyncio.Protocol):
    """One request at a time over one connection."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._buffer = b""
        self._expected = -1
        self._waiting: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._expected < 0:
            end = self._buffer.find(_HEAD_END)
            if end < 0:
                return
            self._expected = end + len(_HEAD_END) + _length_of_body(self._buffer[:end])
        if len(self._buffer) >= self._expected and self._waiting is not None:
            answer, self._buffer, self._expected = self._buffer, b"", -1
            self._waiting.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionResetError("closed by the server"))

    async def ask(self, request: bytes) -> bytes:
        assert self._transport is not None
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _length_of_body(head: bytes) -> int:
    """0 where the head says nothing of it: the answer is a mere yes."""
    head = head.lower() + b"\r\n"
    start = head.find(_LENGTH)
    return 0 if start < 0 else int(head[start + len(_LENGTH) : head.index(b"\r\n", start)])


def _get(path: str, host: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: gzip, deflate, br\r\n"
        "Accept-Language: zh-CN,zh;q=0.9\r\nUser-Agent: Mozilla/5.0 (Linux; Android 12) "
        "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Mobile Safari/537.36\r\n"
        "Accept: text/html\r\nSec-Fetch-Site: none\r\n\r\n"
    ).encode()


def _post(path: str, body: bytes, host: str) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nAccept-Language: zh-CN,zh;q=0.9\r\n"
        f"Origin: http://{host}\r\nSec-Fetch-Site: same-origin\r\n\r\n"
    ).encode() + body


class _Respondent:
    """One of the clients: interview after interview until the time is over."""

    def __init__(self, number: int, script: Script, counted: LoadResult) -> None:
        self.host, self.port = script.addresses[number % len(script.addresses)]
        self.script, self.counted, self.number = script, counted, number

    async def work(self, tokens: Iterator[str], until: float) -> None:
        clock = time.perf_counter
        while clock() < until:
            token = next(tokens, None)
            if token is None:
                self.counted.failures.append("no link was left")
                return
            try:
                await self.interview(token)
            except OSError as error:
                self.counted.failures.append(repr(error))

    async def interview(self, token: str) -> None:
        """A respondent is a new visitor: a connection of its own for page and submission."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, self.host, self.port)
        try:
            host = f"{self.host}:{self.port}"
            page = await self.timed(connection, _get(f"/q/{token}", host), self.counted.pages)
            if not page.startswith(b"HTTP/1.1 200"):
                self.counted.failures.append(page[:300].decode("latin-1"))
                return
            claim = b'{"device":"%b","page":false}' % sha256(token.encode()).hexdigest().encode()
            bound = await self.timed(
                connection, _post(f"/q/{token}", claim, host), self.counted.opened
            )
            if not bound.startswith(b"HTTP/1.1 204"):
                self.counted.failures.append(bound[:300].decode("latin-1"))
                return
            for path in self.script.assets:
                await self.timed(connection, _get(path, host), self.counted.assets)
            await self.hand_in(connection, token, host)
        finally:
            connection.close()

    async def hand_in(self, connection: _Connection, token: str, host: str) -> None:
        name = str(uuid4())
        self.number += 1
        rest = self.script.interviews[self.number % len(self.script.interviews)]
        body = b'{"client_uuid":"%b","token":"%b",' % (name.encode(), token.encode()) + rest
        answer = await self.timed(
            connection, _post("/api/responses", body, host), self.counted.submits
        )
        if not answer.startswith(b"HTTP/1.1 200"):
            self.counted.failures.append(answer[-300:].decode("utf-8", "replace"))
            return
        receipt = orjson.loads(answer[answer.index(_HEAD_END) :])
        self.counted.receipts[name] = receipt["response_id"]

    async def timed(self, connection: _Connection, request: bytes, into: list[float]) -> bytes:
        started = time.perf_counter()
        answer = await connection.ask(request)
        into.append(time.perf_counter() - started)
        self.counted.received += len(answer)
        return answer


async def run_clients(
    script: Script, tokens: Iterator[str], *, clients: int, seconds: float
) -> LoadResult:
    """Let `clients` respondents interview side by side for so long."""
    counted = LoadResult()
    until = time.perf_counter() + seconds
    await asyncio.gather(
        *(_Respondent(each, script, counted).work(tokens, until) for each in range(clients))
    )
    return counted
