"""Who gets through to the pages, on a real server that cannot reach the internet."""

import http.client
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from survey.access.roles import Role
from survey.kit.navigation import PAGES, PageInfo
from survey.locale import translator
from survey.settings import Settings
from survey.web.request_middleware import CACHE_SECONDS
from tests.page_clients import (
    STREAM,
    TIMEOUT_SECONDS,
    PageClient,
    break_connection,
    request_page,
    rerun,
)
from tests.server_process import Server, free_port, seed_store

SILENCE = 5.0
CUT_OFF = f"""
import socket, time
known = socket.getaddrinfo
def silent(host, *rest, **more):
    name = host.decode() if isinstance(host, bytes) else host
    if name not in (None, "", "localhost", "127.0.0.1", "0.0.0.0", "::1"):
        print("LOOKED OUTSIDE FOR", name, flush=True)
        time.sleep({SILENCE})
        raise socket.gaierror("no answer")
    return known(host, *rest, **more)
reach = socket.socket.connect
def unreachable(self, address):
    if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
        print("LOOKED OUTSIDE AT", address, flush=True)
        time.sleep({SILENCE})
        raise OSError("no answer")
    return reach(self, address)
def nameless(*asked):
    print("LOOKED OUTSIDE FOR", asked, flush=True)
    time.sleep({SILENCE})
    return "localhost"
socket.getaddrinfo, socket.socket.connect = silent, unreachable
socket.getfqdn = socket.gethostbyaddr = socket.gethostbyname = nameless
"""
"""A machine whose resolver and whose line to the outside never answer."""
OUTSIDE = "LOOKED OUTSIDE"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("pages")
    seed_store(Settings(data_dir=data_dir, database_url="", demo=True))
    served = Server(
        data_dir,
        preamble=CUT_OFF,
        SURVEY_PUBLIC_URL="https://survey.example.org",
        SURVEY_UPLOAD_MEGABYTES_PER_SESSION="3",
        SURVEY_UPLOADS_PER_SESSION="4",
        SURVEY_METRICS_PORT=str(free_port()),
        SURVEY_METRICS_HOST="0.0.0.0",
        SURVEY_SOCKETS_PER_SESSION="5",
        SURVEY_UPLOAD_MEGABYTES="8",
    )
    served.start()
    yield served
    served.stop()


def log_of(server: Server) -> str:
    return (server.data_dir / "server.log").read_text(encoding="utf-8", errors="replace")


def handshake(port: int, cookie: str = "", **headers: str) -> int:
    """The status that a handshake gets, with whatever headers."""
    named = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "streamlit",
        **({"Cookie": cookie} if cookie else {}), **headers,
    }  # fmt: skip
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    with closing(line):
        line.request("GET", STREAM, headers=named)
        return line.getresponse().status


def end_of(line: ClientConnection) -> tuple[int, list[str]]:
    """The code that a line was closed with, and the kinds of the last messages."""
    kinds = []
    while True:
        try:
            content = line.recv(timeout=TIMEOUT_SECONDS)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 0, kinds
        assert isinstance(content, bytes)
        kinds.append(str(ForwardMsg.FromString(content).WhichOneof("type")))


@pytest.mark.slow
def test_files_in_memory_have_a_limit_and_go_with_their_session(server: Server) -> None:
    """First in this file: no other test has left a file behind."""
    visitors = [PageClient(server.port, "analyst") for _ in range(3)]
    size = 2_900_000
    with ExitStack() as lines:
        opened = [lines.enter_context(visitor.open_socket()) for visitor in visitors]
        numbers = [request_page(line)[0] for line in opened]
        added = [
            visitor.add_file(number, "a", size)
            for visitor, number in zip(visitors, numbers, strict=True)
        ]
        assert added[:2] == [204, 204]
        assert added[2] in {503, 0}
        visitors[0].sign_out()
        assert end_of(opened[0])[0] == 1008, "within a few seconds, though the page says nothing"
        assert visitors[2].add_file(numbers[2], "a", size) == 204


@pytest.mark.slow
def test_a_foreign_page_is_refused_and_nobody_waits(server: Server) -> None:
    """Streamlit asks the internet for its own address when it is shown a foreign `Origin`."""
    visitor = PageClient(server.port, "analyst")
    cookie = visitor._cookie()
    over, statuses = threading.Event(), []

    def attack() -> None:
        while not over.is_set():
            statuses.extend(
                handshake(server.port, each, Origin="http://evil.example") for each in (cookie, "")
            )

    attackers = [threading.Thread(target=attack) for _ in range(3)]
    for attacker in attackers:
        attacker.start()
    seconds = []
    for _ in range(100):
        began = time.monotonic()
        assert visitor.get("/health")[0] == 200
        seconds.append(time.monotonic() - began)
        time.sleep(0.01)
    over.set()
    for attacker in attackers:
        attacker.join(TIMEOUT_SECONDS)
    assert set(statuses) == {403}
    assert sorted(seconds)[90] < 0.1
    assert max(seconds) < SILENCE / 2
    assert OUTSIDE not in log_of(server)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost.evil.example"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/_stcore/health"),
        ("GET", "/_stcore/host-config"),
        ("OPTIONS", "/_stcore/upload_file/a/b"),
        ("PUT", "/_stcore/upload_file/a/b"),
        ("DELETE", "/_stcore/upload_file/a/b"),
        ("GET", "/static/none.js"),
    ],
)
def test_no_address_of_pages_answers_a_foreign_page(
    server: Server, method: str, path: str, origin: str
) -> None:
    visitor = PageClient(server.port, "analyst")
    answer, _ = visitor.ask(method, path, Origin=origin)
    assert answer.status == 403
    assert answer.headers["Access-Control-Allow-Origin"] is None


def test_our_own_address_and_the_public_one_may(server: Server) -> None:
    visitor = PageClient(server.port, "analyst")
    for origin in (None, server.url, "https://survey.example.org"):
        with visitor.open_socket(origin) as line:
            assert request_page(line)[0]
        more = {} if origin is None else {"Origin": origin}
        assert visitor.get("/_stcore/host-config", **more)[0] == 200
    assert OUTSIDE not in log_of(server)


def test_nobody_gets_a_line_or_an_upload(server: Server) -> None:
    nobody, stale = PageClient(server.port), PageClient(server.port)
    stale.cookies["survey_session"] = "x" * 43
    for visitor in (nobody, stale):
        with pytest.raises(InvalidStatus) as refused, visitor.open_socket():
            pass
        assert refused.value.response.status_code == 403
        assert visitor.ask("PUT", "/_stcore/upload_file/a/b", b"x")[0].status == 403
        for path in ("/_stcore/host-config", "/media/abc.csv", "/component/a/b.js"):
            assert visitor.get(path)[0] in {403, 404}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.url or "start")
@pytest.mark.parametrize("language", ["zh", "en"])
def test_nobody_gets_a_bare_page_at_every_address(
    server: Server, page: PageInfo, language: str
) -> None:
    t = translator(language)
    answer, content = PageClient(server.port).ask("GET", f"/{page.url}?lang={language}&city=110000")
    text = content.decode()
    assert answer.status == 200
    assert "script" not in text
    assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in text
    assert t("Hundred Cities Survey") in text
    # On the start page also the button to answer the questionnaire.
    assert text.count('action="/auth/demo"') == len(Role) + (not page.url)
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(content) < 8_000
    if page.url:
        assert t("Please sign in first") in text
        back = f"/auth/login?next=%2F{page.url}%3Flang%3D{language}%26city%3D110000"
        assert back in text


def test_large_text_and_language_are_kept_on_the_way_in(server: Server) -> None:
    status, text = PageClient(server.port).get("/city?city=110000&lang=en&large=1")
    assert status == 200
    assert 'class="sf sf-elder"' in text
    assert 'value="/city?city=110000&amp;lang=en&amp;large=1"' in text
    assert "/city?city=110000&amp;lang=zh&amp;large=1" in text
    assert "/city?city=110000&amp;lang=en&amp;large=0" in text


def test_what_does_not_exist_is_said_and_nothing_strange_is_repeated(server: Server) -> None:
    status, text = PageClient(server.port).get("/nowhere?lang=en&x=%22%3E%3Cscript%3E")
    assert status == 404
    assert "This page does not exist" in text
    assert "<script" not in text
    assert "next=%2F&quot;" not in text
    answer, _ = PageClient(server.port).ask("POST", "/overview", b"x=1")
    assert answer.status == 403


def test_signing_out_ends_the_lines_of_the_session(server: Server) -> None:
    """At the next message at the latest, which is not worked on; other sessions go on."""
    leaving, staying = (PageClient(server.port, "analyst") for _ in range(2))
    with leaving.open_socket() as line, staying.open_socket() as other:
        number, _ = request_page(line)
        request_page(other)
        assert leaving.add_file(number, "rows.csv", 100_000) == 204
        leaving.sign_out()
        time.sleep(CACHE_SECONDS)
        line.send(rerun())
        code, kinds = end_of(line)
        assert code == 1008
        assert "auth_redirect" in kinds
        assert not {"delta", "new_session"} & set(kinds)
        assert request_page(other)[0]
    with pytest.raises(InvalidStatus), leaving.open_socket():
        pass
    assert staying.add_file(number, "rows.csv", 10) == 403


def test_state_and_files_of_a_page_belong_to_its_session(server: Server) -> None:
    owner, other = PageClient(server.port, "analyst"), PageClient(server.port, "surveyor")
    with owner.open_socket() as line:
        number, _ = request_page(line)
        assert other.add_file(number, "rows.csv", 10) == 403
        forged = {"X-Survey-Session": "0" * 64}
        assert other.ask("DELETE", f"/_stcore/upload_file/{number}/a", **forged)[0].status == 403
        with other.open_socket(number=number) as stranger:
            assert request_page(stranger)[0] != number
        with owner.open_socket(number=number) as again:
            assert request_page(again)[0] == number


def test_files_of_a_session_have_limits_together(server: Server) -> None:
    visitor = PageClient(server.port, "supervisor")
    with visitor.open_socket() as first, visitor.open_socket() as second:
        first_number, two = request_page(first)[0], request_page(second)[0]
        assert visitor.add_file(first_number, "a", 1 << 20) == 204
        assert visitor.add_file(two, "a", 1 << 20) == 204
        assert visitor.add_file(first_number, "b", 2 << 20) in {413, 0}
        assert visitor.ask(
            "PUT", f"/_stcore/upload_file/{first_number}/c", Transfer_Encoding="chunked"
        )[0].status in {411, 403}
        assert visitor.add_file(first_number, "d", 100) == 204
        assert visitor.add_file(first_number, "e", 100) == 204
        assert visitor.add_file(first_number, "f", 100) == 429
        assert PageClient(server.port, "analyst").add_file(first_number, "g", 100) == 403


@pytest.mark.slow
def test_a_session_has_so_many_lines(server: Server) -> None:
    visitor, other = PageClient(server.port, "typist"), PageClient(server.port, "typist")
    with ExitStack() as lines:
        for _ in range(5):
            lines.enter_context(visitor.open_socket())
        with pytest.raises(InvalidStatus), visitor.open_socket():
            pass
        with other.open_socket() as free:
            assert request_page(free)[0]
    _opens_again(visitor)


@pytest.mark.slow
def test_a_line_that_says_too_much_is_cut_and_frees_its_place(server: Server) -> None:
    visitor = PageClient(server.port, "analyst")
    with visitor.open_socket() as line:
        with suppress(ConnectionClosed):
            for _ in range(5_000):
                line.send(rerun())
        assert end_of(line)[0] == 1013
    _opens_again(visitor)


def _opens_again(visitor: PageClient) -> None:
    """Soon: what was asked for in vain is waited for first."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            with visitor.open_socket() as line:
                assert request_page(line)[0]
            return
        except InvalidStatus:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_a_visitor_who_vanishes_leaves_one_line_and_no_traceback(server: Server) -> None:
    visitor = PageClient(server.port, "analyst")
    before = len(log_of(server).splitlines())
    with suppress(ConnectionClosed, OSError), visitor.open_socket() as line:
        number, _ = request_page(line)
        for _ in range(3):
            line.send(rerun())
        break_connection(line)
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while len(log_of(server).splitlines()) == before:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)
    lines = log_of(server).splitlines()[before:]
    assert len(lines) == 1, lines
    assert number not in lines[0]


def test_what_is_no_message_of_a_page_ends_the_line(server: Server) -> None:
    visitor = PageClient(server.port, "analyst")
    for nonsense in ("text", b"\xff" * 40):
        with visitor.open_socket() as line:
            request_page(line)
            line.send(nonsense)
            assert end_of(line)[0] in {1002, 1008}
    assert "Traceback" not in log_of(server)


def test_other_addresses_have_no_line(server: Server) -> None:
    cookie = PageClient(server.port, "analyst")._cookie()
    for path in ("/", "/q/abc", "/overview/_stcore/stream", "/_stcore/health"):
        line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_SECONDS)
        with closing(line):
            line.request(
                "GET",
                path,
                headers={
                    "Connection": "Upgrade",
                    "Upgrade": "websocket",
                    "Cookie": cookie,
                    "Sec-WebSocket-Version": "13",
                    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
                },
            )
            assert line.getresponse().status == 403


def test_nothing_has_looked_outside(server: Server) -> None:
    """Last in this file: whatever the tests above had the server do."""
    with socket.create_connection(("127.0.0.1", server.port)):
        assert OUTSIDE not in log_of(server)
    assert not re.search(r"Traceback", log_of(server))


def test_the_server_that_cannot_look_outside_would_say_so(tmp_path: Path) -> None:
    """The two tests above can fail: a look outside is written to the log."""
    script = tmp_path / "look.py"
    script.write_text(
        CUT_OFF.replace(str(SILENCE), "0") + "\nsocket.create_connection(('example.org', 80))"
    )
    completed = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    assert f"{OUTSIDE} FOR example.org" in completed.stdout
