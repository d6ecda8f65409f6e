"""Bytes that are not quite HTTP, heads without end, and visitors who take their time."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.routing import Route

from survey.settings import Settings
from survey.web.request_middleware import MAX_HEAD_BYTES
from survey.web.routes import build_routes
from tests.submission_clients import ServerProcess, wait_for

HOST = b"Host: testserver\r\n"
POST = b"POST /api/responses HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
POSTED_FORM = HOST + b"Content-Length: 500\r\n\r\na"


@pytest.fixture(scope="module")
def server(
    _sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("wire")
    process = ServerProcess(f"sqlite:///{_sqlite_template}", folder, patience=1)
    process.start()
    wait_for(process.is_up, "the server is up")
    yield process
    process.stop()


def say(server: ServerProcess, *pieces: bytes, pause: float = 0) -> bytes:
    """Send the pieces; whatever comes back until the server closes the line or has answered."""
    answer = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
        try:
            for piece in pieces:
                line.sendall(piece)
                time.sleep(pause)
            while more := line.recv(65536):
                answer += more
                if b"\r\n\r\n" in answer:
                    break
        except (BrokenPipeError, ConnectionResetError):
            pass
    return answer


BROKEN = {
    "no http": b"hello\r\n\r\n",
    "nothing but ends": b"\r\n" * 100 + b"\x00\r\n\r\n",
    "version 9": b"GET /ready HTTP/9.9\r\n" + HOST + b"\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
    "a header without colon": b"GET /ready HTTP/1.1\r\nHost\r\n\r\n",
    "a space in a name": b"GET /ready HTTP/1.1\r\nHo st: a\r\n\r\n",
    "nul in a header": b"GET /ready HTTP/1.1\r\nHost: a\x00b\r\n\r\n",
    "a folded header": b"GET /ready HTTP/1.1\r\nHost: a\r\n b\r\n\r\n\x01",
    "a method of signs": b"G@T /ready HTTP/1.1\r\n" + HOST + b"\r\n",
    "a negative length": POST + b"Content-Length: -5\r\n\r\n{}",
    "a length of letters": POST + b"Content-Length: five\r\n\r\n{}",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
    "length and chunks": POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
    "a chunk of letters": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "a huge chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n",
    "no host": b"GET /ready HTTP/1.1\r\n\r\n",
    "no host in old HTTP": b"GET /ready HTTP/1.0\r\n\r\n",
    "an empty host": b"GET /ready HTTP/1.1\r\nHost: \r\n\r\n",
    "two hosts": b"GET /ready HTTP/1.1\r\n" + HOST + b"Host: evil.example\r\n\r\n",
    "the same host twice": b"GET /ready HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    "two hosts in one": b"GET /ready HTTP/1.1\r\nHost: a, b\r\n\r\n",
    "a host with a path": b"GET /ready HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "a host with a name": b"GET /ready HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "a handshake for two hosts": b"GET /_stcore/stream HTTP/1.1\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\n" + HOST + b"Host: b\r\n\r\n",
    "control characters in the address": b"GET /q/\x01\x02 HTTP/1.1\r\n" + HOST + b"\r\n",
}


@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN)
def test_what_is_not_http_is_refused(server: ServerProcess, sent: bytes) -> None:
    answer = say(server, sent)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 408"))


LARGE = {
    "one header": b"GET /ready HTTP/1.1\r\n" + HOST + b"Cookie: " + b"a" * 2 * MAX_HEAD_BYTES,
    "many headers": b"GET /ready HTTP/1.1\r\n" + HOST + b"X-A: b\r\n" * 10_000,
    "the address": b"GET /q/" + b"a" * 2 * MAX_HEAD_BYTES,
}


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("head", LARGE.values(), ids=LARGE)
def test_a_head_without_end_is_cut_off(server: ServerProcess, head: bytes, ended: bool) -> None:
    rest = b" HTTP/1.1\r\n" + HOST if head.startswith(b"GET /q/") else b"\r\n"
    answer = say(server, head + (rest + b"\r\n" if ended else b""))
    assert answer == b"" or answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))


SLOW = {
    "says nothing": (b"",),
    "stops amid the head": (b"GET /ready HTTP/1.1\r\n", b"Host"),
    "drop by drop": tuple(bytes([each]) for each in b"GET /ready HTTP/1.1\r\nHost: abcdefg"),
    "stops amid the body": (POST + b"Content-Length: 500\r\n\r\n{",),
    "stops amid the chunks": (POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",),
    "stops amid what a page says of its device": (
        b"POST /q/abcdefghijklmnopqrstuv HTTP/1.1\r\n" + POSTED_FORM,
    ),
}


@pytest.mark.parametrize("pieces", SLOW.values(), ids=SLOW)
def test_patience_has_an_end(server: ServerProcess, pieces: tuple[bytes, ...]) -> None:
    answer = say(server, *pieces, pause=0.02)
    assert answer.startswith(b"HTTP/1.1 408")


@pytest.mark.slow
@pytest.mark.parametrize(
    "route",
    [
        route
        for route in build_routes(Settings(data_dir=Path("nowhere"), database_url="", demo=True))
        if isinstance(route, Route) and "POST" in (route.methods or ())
    ],
    ids=lambda route: route.path,
)
def test_no_address_waits_for_a_body_that_never_comes(server: ServerProcess, route: Route) -> None:
    path = re.sub(r"{\w+}", "abc", route.path)
    answer = say(server, f"POST {path} HTTP/1.1\r\n".encode() + POSTED_FORM)
    assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 303"))


@pytest.mark.parametrize("host", [b"survey.example.org", b"10.0.0.7:8501", b"[::1]:8501", b"a_b"])
def test_one_host_is_heard(server: ServerProcess, host: bytes) -> None:
    answer = say(server, b"GET /ready HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")


def test_an_address_cannot_add_headers(server: ServerProcess) -> None:
    for path in (b"/q/a%0d%0aX-Evil:%201", b"/auth/demo?next=/%0d%0aX-Evil:%201"):
        answer = say(
            server, b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
        )
        assert b"\nx-evil" not in answer.lower()


def test_pipelined_requests_are_answered_one_by_one(server: ServerProcess) -> None:
    request = b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
        line.sendall(request * 5)
        answer = b""
        while answer.count(b"HTTP/1.1 200") < 5:
            more = line.recv(65536)
            assert more
            answer += more


def test_the_server_still_answers(server: ServerProcess) -> None:
    assert server.ask("GET", "/ready")[0] == 200
    assert "Traceback" not in server.log.read_text()
