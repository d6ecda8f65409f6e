"""One address floods the pages of a real server, and respondents do not notice."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from survey.settings import PROJECT_ROOT, Settings
from tests.page_clients import PageClient, request_page
from tests.server_process import LivePlatform, Server, seed_store
from tests.web.flood_attacks import ATTACKS, FILE_BYTES

pytestmark = pytest.mark.slow

LIMIT = 0.2
"""Seconds that 95 of 100 answers of the public form may take."""
REQUESTS = 60
MAX_SECONDS = 120.0


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    data_dir: Path = tmp_path_factory.mktemp("flood")
    settings = Settings(data_dir=data_dir, database_url="", demo=True)
    instrument, surveyor, point = seed_store(settings)
    server = Server(data_dir)
    server.start()
    yield LivePlatform(server, settings, instrument, surveyor, point)
    server.stop()


@contextmanager
def flood(attack: str, port: int) -> Iterator[None]:
    """Attack from a process of its own, so that it slows nothing but the server.

    A program and no `multiprocessing` child: that would run again what stands in for `__main__`,
    and after an `AppTest` in this process that is the script of a page.
    """
    command = [sys.executable, "-m", "tests.web.flood_attacks", attack, str(port), str(MAX_SECONDS)]
    with subprocess.Popen(
        command, cwd=PROJECT_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
        yield
        process.stdin.close()
        assert process.wait(MAX_SECONDS) == 0


def answer_times(live: LivePlatform, port: int) -> list[float]:
    """Seconds of the public form's answers: its page, and an interview that is refused."""
    path = urlsplit(live.invite()).path
    respondent, seconds = PageClient(port), []
    for number in range(REQUESTS):
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


def response_p95(port: int, live: LivePlatform) -> float:
    seconds = answer_times(live, port)
    return seconds[int(len(seconds) * 0.95) - 1]


@pytest.mark.parametrize("attack", list(ATTACKS))
def test_respondents_do_not_notice_a_flood(live: LivePlatform, attack: str) -> None:
    port = live.server.port
    before = response_p95(port, live)
    with flood(attack, port):
        during = response_p95(port, live)
    # A machine that is busy with other things is slow before as well.
    assert during < max(LIMIT, 4 * before)


def test_a_flood_keeps_no_memory(live: LivePlatform) -> None:
    """Ten files of 40 MB: most are refused, and what was kept goes with the session."""
    visitor = PageClient(live.server.port, "supervisor")
    with visitor.open_socket() as line:
        number, _ = request_page(line)
        before = _resident(live)
        added = [visitor.add_file(number, f"file-{each}", FILE_BYTES) for each in range(10)]
        assert added.count(204) == 3
        assert _resident(live) - before < 5 * FILE_BYTES
        visitor.sign_out()
        with pytest.raises(ConnectionClosed):
            _listen(line)
    deadline = time.monotonic() + MAX_SECONDS
    while _resident(live) - before > FILE_BYTES:
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
