"""Stores that can be made to fail: a disk that fills up, a PostgreSQL that stops."""

import os
import resource
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from sqlalchemy import create_engine, make_url, text

from benchmarks.load.scenario import build, interviews
from survey.store.engine import dispose_engines
from tests import postgres_server

POSTGRES_OPTIONS = {"listen_addresses": "", "shared_buffers": "64MB"}
DISK_MB = 64
BLOCK = b"x" * 4096


def prepare_store(url: str, count: int) -> list[dict[str, Any]]:
    """A filled store, and finished interviews with a link each."""
    world = build(url, links=count)
    dispose_engines()
    variants = [orjson.loads(b"{" + each) for each in interviews(world.instrument)]
    started = (datetime.now(UTC) - timedelta(minutes=6)).isoformat()
    return [
        {
            **variants[number % len(variants)],
            "client_uuid": str(uuid4()),
            "token": token,
            "started_at": started,
        }
        for number, token in enumerate(world.tokens)
    ]


@dataclass
class Postgres:
    """A PostgreSQL that can be stopped and started again."""

    home: Path
    binaries: Path
    server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.server = postgres_server.launch(self.home, self.binaries, POSTGRES_OPTIONS)
        postgres_server.wait_until_ready(self.server, self.home)

    def stop(self, *, in_order: bool) -> None:
        assert self.server is not None
        self.server.send_signal(signal.SIGINT if in_order else signal.SIGQUIT)
        self.server.wait()

    def create(self, name: str) -> str:
        """A database of this name; its URL."""
        own = make_url(postgres_server.url_of(self.home))
        engine = create_engine(own, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return own.set(database=name).render_as_string(hide_password=False)


@contextmanager
def postgresql(folder: Path) -> Iterator[Postgres]:
    home = Path(tempfile.mkdtemp(prefix="pg-", dir=folder))
    made = Postgres(home, postgres_server.prepare(home))
    made.start()
    try:
        yield made
    finally:
        made.stop(in_order=True)


@dataclass(frozen=True)
class Disk:
    """Where a store lies that will find no room."""

    folder: Path
    mounted: bool

    @property
    def how(self) -> str:
        return "no space left" if self.mounted else "files may not grow"

    def fill(self, server: int) -> Callable[[], object]:
        """Leave no room for the server with this process id; call the result to give it back."""
        if not self.mounted:
            unlimited = resource.RLIM_INFINITY
            resource.prlimit(server, resource.RLIMIT_FSIZE, (len(BLOCK), unlimited))
            whole = (unlimited, unlimited)
            return lambda: resource.prlimit(server, resource.RLIMIT_FSIZE, whole)
        ballast = self.folder / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(BLOCK)
        return ballast.unlink


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    """A file system of its own where this account may mount one, else the folder itself."""
    place = folder / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(place)]
    mounted = False
    if os.geteuid() == 0:
        with suppress(OSError):
            mounted = subprocess.run(command, check=False).returncode == 0
    try:
        yield Disk(place, mounted)
    finally:
        if mounted:
            dispose_engines()
            subprocess.run(["umount", str(place)], check=False)
