"""WebSockets of open pages: limited in number and pace, closed with their session."""

import asyncio
import logging
from collections import deque
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import Runtime

from survey.access.secret_hashes import digest
from survey.settings import Settings
from survey.store.transactions import UNAVAILABLE_ERRORS
from survey.web.http import ConnectionCount, RateLimit, TooManyConnectionsError, client_address
from survey.web.request_middleware import SessionCache

_LOG = logging.getLogger(__name__)
MAX_PENDING_MESSAGES = 64
"""Messages that a browser may be ahead of its pace; pages send a few for each click."""
MAX_PENDING_BYTES = 8 << 20
CONNECTION_COST = 10
"""A new line costs as much as so many messages: a page is begun and drawn anew."""
MAX_CONNECTION_WAIT_SECONDS = 10.0
"""Seconds that a handshake waits for its turn; browsers give up at some time after that."""
CHECK_SECONDS = 10.0
"""How often the session of a line that says nothing is looked at."""
KEEP_STATE_SECONDS = 100.0
"""How long the state of a page waits for a line that broke; Streamlit itself would keep it for 120
seconds, and then until somebody else comes."""
_POLICY, _TOO_MANY, _NO_CLOSE_CODE = 1008, 1013, 0
_ABNORMAL_CLOSE_CODES = frozenset({1005, 1006})
"""The other end said no good-bye."""
Owners = dict[str, str]
"""Number of a page's state in Streamlit -> hash of the session it belongs to."""


async def refuse_socket(receive: Receive, send: Send) -> None:
    """Answer a handshake with 403 and nothing else."""
    await receive()
    await send({"type": "websocket.close", "code": _POLICY})


@dataclass
class PageSockets:
    """WebSockets of open pages in this process."""

    pages: ASGIApp
    settings: Settings
    sessions: SessionCache
    owners: Owners = field(default_factory=dict)

    def __post_init__(self) -> None:
        per_second = self.settings.messages_per_second
        self._addresses = ConnectionCount(self.settings.sockets_per_address)
        self._sessions = ConnectionCount(self.settings.sockets_per_session)
        self._session_pace = RateLimit(per_second)
        self._address_pace = RateLimit(per_second * self.settings.busy_sessions_per_address)

    async def serve(self, secret: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Connect a page with Streamlit until its session ends; refuse it if too many are open."""
        address = client_address(HTTPConnection(scope), self.settings.trusted_proxies)
        try:
            with ExitStack() as counted:
                counted.enter_context(self._addresses.count_connection(address))
                counted.enter_context(self._sessions.count_connection(digest(secret)))
                await asyncio.sleep(self._reserve_connection(digest(secret), address))
                await self._serve(PageSocket(self, secret, address, receive, send), scope)
        except TooManyConnectionsError:
            _LOG.warning("a page was refused: too many are open in one session or at one address")
            await refuse_socket(receive, send)

    async def _serve(self, socket: "PageSocket", scope: Scope) -> None:
        listening = asyncio.create_task(socket.listen())
        watching = asyncio.create_task(socket.watch())
        try:
            await self.pages(scope, socket.receive, socket.send)
        except Exception as error:
            if not socket.is_disconnected:
                raise
            # Whatever a line that is gone does to Streamlit is no fault that anybody could mend.
            _LOG.debug("a page's line broke off: %s", type(error).__name__)
        finally:
            for task in (listening, watching):
                task.cancel()
            await asyncio.gather(listening, watching, return_exceptions=True)
            await socket.close()
            self._keep_state(socket)

    def _keep_state(self, socket: "PageSocket") -> None:
        """Schedule that Streamlit forgets a page: at once if its session ended, else later."""
        if not socket.number:
            return
        if socket.code == _POLICY:
            self._drop_state(socket.number)
        else:
            loop = asyncio.get_running_loop()
            loop.call_later(KEEP_STATE_SECONDS, self._drop_state, socket.number)

    def _drop_state(self, number: str) -> None:
        if not Runtime.exists() or Runtime.instance().is_active_session(number):
            return
        Runtime.instance().close_session(number)
        self.owners.pop(number, None)

    def _reserve_connection(self, owner: str, address: str) -> float:
        waits = [
            pace.reserve(name, CONNECTION_COST, MAX_CONNECTION_WAIT_SECONDS)
            for pace, name in ((self._session_pace, owner), (self._address_pace, address))
        ]
        if max(waits) > MAX_CONNECTION_WAIT_SECONDS:
            raise TooManyConnectionsError
        return max(waits)

    def wait(self, owner: str, address: str) -> float:
        """Count a message in the limits of `owner` and `address`; return the seconds to wait."""
        return max(self._session_pace.reserve(owner), self._address_pace.reserve(address))

    def charge(self, owner: str, messages: int) -> None:
        """Count `messages` sent but never processed in the rate limit of session `owner`."""
        self._session_pace.reserve(owner, messages)


class PageSocket:
    """WebSocket of one page; reads ahead of its rate limit to notice a lost connection at once."""

    def __init__(
        self, all_of_them: PageSockets, secret: str, address: str, receive: Receive, send: Send
    ) -> None:
        self._sockets, self._secret, self.address = all_of_them, secret, address
        self.owner = digest(secret)
        self.number = ""
        self.code = _NO_CLOSE_CODE
        self._receive, self._send = receive, send
        self._ahead: deque[Message] = deque()
        self._changed = asyncio.Event()
        # A connection that has to be closed is disconnected, and closed a little later.
        self.is_disconnected = self._closed = False

    async def listen(self) -> None:
        """Queue what the browser sends until the connection ends or too much is queued."""
        while not self.is_disconnected:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                self.is_disconnected = self._closed = True
                if message.get("code") in _ABNORMAL_CLOSE_CODES:
                    _LOG.info("a page's line broke off")
            elif message["type"] == "websocket.receive" and message.get("bytes") is None:
                # Streamlit speaks bytes only and fails at a text.
                self._end_connection(_POLICY)
            else:
                self._ahead.append(message)
                self._enforce_pending_limits()
            self._changed.set()

    def _enforce_pending_limits(self) -> None:
        size = sum(len(message.get("bytes") or b"") for message in self._ahead)
        if len(self._ahead) > MAX_PENDING_MESSAGES or (
            len(self._ahead) > 1 and size > MAX_PENDING_BYTES
        ):
            _LOG.warning("a page's line was cut: it sent more than can be worked on")
            self._sockets.charge(self.owner, len(self._ahead))
            self._end_connection(_TOO_MANY)

    def _end_connection(self, code: int) -> None:
        self.code, self.is_disconnected = code, True
        self._changed.set()

    async def watch(self) -> None:
        """Close the connection when its session ends, even if it is idle."""
        while not self.is_disconnected:
            await asyncio.sleep(CHECK_SECONDS)
            await self._check_session()

    async def _check_session(self) -> None:
        try:
            person = await self._sockets.sessions.get_principal(self._secret)
        except UNAVAILABLE_ERRORS:
            # The page says so in words.
            return
        if person is None and not self.is_disconnected:
            self._end_connection(_POLICY)

    async def receive(self) -> Message:
        """Return the next message within the rate limit; a disconnect once it is closed."""
        while not self.is_disconnected:
            if not self._ahead:
                self._changed.clear()
                await self._changed.wait()
                continue
            message = self._ahead[0]
            if message["type"] == "websocket.receive":
                await self._wait_for_rate_limit()
            if not self.is_disconnected:
                self._ahead.popleft()
                return message
        return {"type": "websocket.disconnect", "code": self.code or 1006}

    async def _wait_for_rate_limit(self) -> None:
        wait = self._sockets.wait(self.owner, self.address)
        if wait:
            until = asyncio.get_running_loop().time() + wait
            while (
                not self.is_disconnected and (left := until - asyncio.get_running_loop().time()) > 0
            ):
                self._changed.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), left)
        await self._check_session()

    async def send(self, message: Message) -> None:
        """Send a message of Streamlit to the browser, unless the connection is closed."""
        if self._closed:
            return
        if message["type"] == "websocket.send" and not self.number:
            self._read_session_id(message.get("bytes") or b"")
        if message["type"] == "websocket.close":
            self._closed = True
        await self._send(message)

    def _read_session_id(self, content: bytes) -> None:
        message = ForwardMsg.FromString(content)
        if message.WhichOneof("type") == "new_session":
            self.number = message.new_session.initialize.session_id
            self._sockets.owners[self.number] = self.owner

    async def close(self) -> None:
        """Close the connection; let the page reload if its session ended."""
        if self._closed:
            return
        self._closed = True
        with suppress(Exception):
            if self.code == _POLICY:
                reload = ForwardMsg()
                # An empty address is the one that the browser is at.
                reload.auth_redirect.SetInParent()
                await self._send({"type": "websocket.send", "bytes": reload.SerializeToString()})
            await self._send({"type": "websocket.close", "code": self.code or 1000})
