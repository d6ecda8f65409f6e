"""One address floods the pages of a real server, and respondents do not notice."""

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from multiprocessing.synchronize import Event
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from survey.settings import Settings
from tests.page_clients import PageClient, request_page, rerun
from tests.server_process import LivePlatform, Server, seed_store

LIMIT = 0.2
"""Seconds that 95 of 100 answers of the public form may take."""
ASKED = 60
LINES = 32
FILE = 40 << 20
MESSAGES = 2_000
MAX_SECONDS = 60.0
AT_ONCE = 3
Attack = Callable[[PageClient, Event, Event], None]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    data_dir: Path = tmp_path_factory.mktemp("flood")
    settings = Settings(data_dir=data_dir, database_url="", demo=True)
    instrument, surveyor, point = seed_store(settings)
    server = Server(data_dir)
    server.start()
    yield LivePlatform(server, settings, instrument, surveyor, point)
    server.stop()


class Flood:
    """An attack in a process of its own, so that it slows nothing but the server."""

    def __init__(self, attack: Attack, port: int, role: str = "analyst") -> None:
        spawned = multiprocessing.get_context("spawn")
        self._over, self._begun = spawned.Event(), spawned.Event()
        arguments = (attack, port, role, self._begun, self._over)
        self._process = spawned.Process(target=run_attack, args=arguments, daemon=True)

    def __enter__(self) -> "Flood":
        self._process.start()
        assert self._begun.wait(2 * MAX_SECONDS), "a busy machine takes its time to start"
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._process.join(2 * MAX_SECONDS)
        assert self._process.exitcode == 0


def run_attack(attack: Attack, port: int, role: str, started: Event, over: Event) -> None:
    """Attack in a few threads, again and again, whatever the server does to the lines."""
    visitor, until = PageClient(port, role), time.monotonic() + MAX_SECONDS

    def go_on() -> None:
        while not over.is_set() and time.monotonic() < until:
            with suppress(ConnectionClosed, InvalidStatus, OSError, TimeoutError):
                attack(visitor, started, over)

    threads = [threading.Thread(target=go_on) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def answer_times(live: LivePlatform, port: int) -> list[float]:
    """Seconds of the public form's answers: its page, and an interview that is refused."""
    path = urlsplit(live.invite()).path
    respondent, seconds = PageClient(port), []
    for number in range(ASKED):
        began = time.monotonic()
        if number % 2:
            status = respondent.get(path)[0]
        else:
            kind = "application/json"
            answer, _ = respondent.ask("POST", "/api/responses", b"{}", Content_Type=kind)
            status = answer.status
        seconds.append(time.monotonic() - began)
        assert status in {200, 400, 422}
        time.sleep(0.02)
    return sorted(seconds)


def hurried(port: int, live: LivePlatform) -> float:
    seconds = answer_times(live, port)
    return seconds[int(len(seconds) * 0.95) - 1]


def reruns(visitor: PageClient, started: Event, over: Event) -> None:
    """2,000 messages of a few bytes, each asking for a page."""
    message = rerun("plan")
    with visitor.open_socket() as line:
        request_page(line)
        started.set()
        for _ in range(MESSAGES):
            line.send(message)
        # Until all of it is worked on, or the line is cut.
        while not over.is_set():
            line.recv(timeout=1)


def lines(visitor: PageClient, started: Event, over: Event) -> None:
    """More than thirty open pages, each asking to be drawn."""
    with ExitStack() as opened:
        held: list[ClientConnection] = []
        for _ in range(LINES):
            with suppress(InvalidStatus):
                held.append(opened.enter_context(visitor.open_socket()))
            started.set()
        while not over.is_set():
            for line in held:
                line.send(rerun("plan"))
            time.sleep(0.05)


def files(visitor: PageClient, started: Event, over: Event) -> None:
    """One file of 40 MB after the other."""
    with visitor.open_socket() as line:
        number, _ = request_page(line)
        started.set()
        while not over.is_set():
            visitor.add_file(number, f"file-{time.monotonic()}", FILE)


@pytest.mark.parametrize("attack", [reruns, lines, files])
def test_respondents_do_not_notice_a_flood(live: LivePlatform, attack: Attack) -> None:
    port = live.server.port
    before = hurried(port, live)
    with Flood(attack, port):
        during = hurried(port, live)
    # A machine that is busy with other things is slow before as well.
    assert during < max(LIMIT, 4 * before)


def test_a_flood_keeps_no_memory(live: LivePlatform) -> None:
    """Ten files of 40 MB: most are refused, and what was kept goes with the session."""
    visitor = PageClient(live.server.port, "supervisor")
    with visitor.open_socket() as line:
        number, _ = request_page(line)
        before = _resident(live)
        added = [visitor.add_file(number, f"file-{each}", FILE) for each in range(10)]
        assert added.count(204) == 3
        assert _resident(live) - before < 5 * FILE
        visitor.sign_out()
        with pytest.raises(ConnectionClosed):
            _listen(line)
    deadline = time.monotonic() + MAX_SECONDS
    while _resident(live) - before > FILE:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _listen(line: ClientConnection) -> None:
    while True:
        line.recv(timeout=MAX_SECONDS)


def _resident(live: LivePlatform) -> int:
    """Bytes of memory that the server holds."""
    status = Path(f"/proc/{live.server.pid}/status").read_text(encoding="ascii")
    kilobytes = next(row for row in status.splitlines() if row.startswith("VmRSS:")).split()[1]
    return int(kilobytes) * 1024
