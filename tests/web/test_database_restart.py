"""PostgreSQL goes away under a running server and comes back; the server is not started again."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from survey.store import schema
from survey.store.engine import dispose_engines
from tests import postgres_server
from tests.submission_clients import ServerProcess, SubmissionClients, disagreements, wait_for

if TYPE_CHECKING:
    from tests.conftest import Field

pytestmark = pytest.mark.postgres


@dataclass
class Cluster:
    """A PostgreSQL of this test's own, as durable as in production."""

    home: Path
    binaries: Path
    server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = {"listen_addresses": "", "shared_buffers": "16MB"}
        self.server = postgres_server.launch(self.home, self.binaries, options)
        postgres_server.wait_until_ready(self.server, self.home)

    def stop(self) -> None:
        assert self.server is not None
        self.server.send_signal(signal.SIGINT)
        self.server.wait()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    home = Path(tempfile.mkdtemp(prefix="survey-restart-"))
    made = Cluster(home, postgres_server.prepare(home))
    made.start()
    yield made
    made.stop()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def store_url(cluster: Cluster) -> Iterator[str]:
    url = postgres_server.url_of(cluster.home)
    schema.upgrade(url)
    yield url
    dispose_engines()


@pytest.mark.slow
def test_a_restarted_database_loses_and_doubles_nothing(
    cluster: Cluster,
    roomy: Field,
    tmp_path: Path,
    invite: Callable[..., str],
    interview: Callable[..., dict[str, Any]],
) -> None:
    server = ServerProcess(roomy.url, tmp_path)
    server.start()
    wait_for(server.is_up, "the server is up")
    phones = SubmissionClients(server.port, [interview(token=invite()) for _ in range(90)])
    try:
        phones.start()
        wait_for(lambda: len(phones.receipts) >= 30, "receipts")
        cluster.stop()
        seen = phones.statuses[503]
        wait_for(lambda: phones.statuses[503] >= seen + 10, "refusals")
        assert server.ask("GET", "/ready")[0] == 503
        assert server.ask("GET", "/health")[0] == 200
        cluster.start()
        phones.wait()
        assert phones.statuses.keys() == {200, 503}
        assert len(phones.receipts) == 90
        dispose_engines()
        assert disagreements(roomy.url, phones.receipts) == []
        assert "Traceback" not in server.log.read_text()
    finally:
        server.stop()
