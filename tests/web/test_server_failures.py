"""Killed, cut off, out of disk: real processes, and every receipt kept exactly once.

The long form (2,000 interviews, 20 kills, both databases) is `python -m benchmarks.faults`.
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.submission_clients import (
    ServerProcess,
    SubmissionClients,
    UnreliableProxy,
    disagreements,
    wait_for,
)

if TYPE_CHECKING:
    from tests.conftest import Field

Make = Callable[[int], list[dict[str, Any]]]
UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


@pytest.fixture
def server(roomy: Field, tmp_path: Path) -> Iterator[ServerProcess]:
    process = ServerProcess(roomy.url, tmp_path)
    process.start()
    wait_for(process.is_up, "the server is up")
    yield process
    process.stop()


@pytest.fixture
def finished(invite: Callable[..., str], interview: Callable[..., dict[str, Any]]) -> Make:
    """That many finished interviews, each with a link of its own."""
    return lambda count: [interview(token=invite()) for _ in range(count)]


@pytest.mark.slow
def test_a_killed_server_loses_and_doubles_nothing(
    server: ServerProcess, field: Field, finished: Make
) -> None:
    phones = SubmissionClients(server.port, finished(120))
    phones.start()
    for goal in (20, 60):
        wait_for(lambda goal=goal: len(phones.receipts) >= goal, f"{goal} receipts")
        server.kill()
        assert phones.unsent
        server.start()
    phones.wait()
    assert phones.statuses["no answer"]
    assert not phones.refusals
    assert len(phones.receipts) == 120
    assert disagreements(field.url, phones.receipts) == []


def test_a_line_that_breaks_at_any_moment_loses_and_doubles_nothing(
    server: ServerProcess, field: Field, finished: Make
) -> None:
    line = UnreliableProxy(server.port, seed=4)
    phones = SubmissionClients(line.port, finished(60))
    phones.start()
    phones.wait()
    line.close()
    assert all(line.cuts[each] for each in ("before", "amid", "after", "answer"))
    assert not phones.refusals
    assert len(phones.receipts) == 60
    assert disagreements(field.url, phones.receipts) == []
    assert "Traceback" not in server.log.read_text()


@pytest.mark.slow
def test_a_full_disk_is_said_and_overcome(
    server: ServerProcess, field: Field, finished: Make
) -> None:
    interviews = finished(40)
    page = f"/q/{interviews[-1]['token']}"
    # No file of the platform may grow any more; its files are as large as they are.
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    phones = SubmissionClients(server.port, interviews)
    phones.start()
    wait_for(lambda: phones.statuses[503] >= 20, "refusals")
    assert not phones.receipts
    wait_for(lambda: not server.is_up(), "/ready says no")
    assert b"storage_not_writable" in server.ask("GET", "/ready")[1]
    assert server.ask("GET", page)[0] in {200, 503}, "looking at a link writes nothing"
    headers = {"Accept-Language": "zh-CN", "Content-Type": "application/json"}
    status, body = server.ask("POST", page, body=f'{{"device": "{"0" * 64}"}}', headers=headers)
    assert status == 503
    assert "请" in body.decode()
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, UNLIMITED)
    phones.wait()
    assert phones.statuses.keys() == {200, 503}
    assert all(each.startswith("store_unavailable: ") for each in phones.messages)
    assert len(phones.receipts) == 40
    assert disagreements(field.url, phones.receipts) == []
    assert server.ask("GET", "/ready")[0] == 200
    assert "Traceback" not in server.log.read_text()
