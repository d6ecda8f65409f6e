"""The PostgreSQL of the measurement, which can be stopped and started again over its folder."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import postgres_server

_OPTIONS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "512MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    # The machine may be lost: a measurement is begun again.
    "synchronous_commit": "off",
}


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Run the database under `folder`, made if there is none, and return its address."""
    if (folder / "data" / "PG_VERSION").exists():
        binaries = postgres_server.reachable_binaries(folder, postgres_server.unprivileged_user())
    else:
        binaries = postgres_server.prepare(folder)
    server = postgres_server.launch(folder, binaries, _OPTIONS)
    try:
        postgres_server.wait_until_ready(server, folder)
        yield postgres_server.url_of(folder)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()
