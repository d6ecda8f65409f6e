"""A PostgreSQL of a test's own and its hot standby by streaming replication, on this machine."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.postgres_server import (
    SERVER_OPTIONS,
    launch,
    prepare,
    unprivileged_user,
    url_of,
    wait_until_ready,
)

_OPTIONS = {**SERVER_OPTIONS, "wal_level": "replica", "hot_standby": "on", "shared_buffers": "16MB"}


@dataclass
class Server:
    """One server, which a test may stop and start again."""

    home: Path
    binaries: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return url_of(self.home)

    def start(self) -> None:
        self._process = launch(self.home, self.binaries, _OPTIONS)
        wait_until_ready(self._process, self.home)

    def stop(self) -> None:
        """End it at once, as a machine that fails."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
            self._process = None

    def run(self, statement: str) -> object:
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                result = connection.execute(text(statement))
                return result.scalar() if result.returns_rows else None
        finally:
            engine.dispose()


@contextmanager
def streaming_pair() -> Iterator[tuple[Server, Server]]:
    """Run an empty primary and its standby until the end of the block."""
    homes = [Path(tempfile.mkdtemp(prefix=f"survey-{name}-")) for name in ("primary", "standby")]
    primary = Server(homes[0], prepare(homes[0]))
    standby = Server(homes[1], primary.binaries)
    try:
        primary.start()
        _copy(primary, standby)
        standby.start()
        yield primary, standby
    finally:
        standby.stop()
        primary.stop()
        for home in homes:
            shutil.rmtree(home, ignore_errors=True)


def _copy(primary: Server, standby: Server) -> None:
    user = unprivileged_user()
    standby.home.chmod(0o755)
    data = standby.home / "data"
    data.mkdir(mode=0o700)
    if user is not None:
        os.chown(data, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    source = ["-h", str(primary.home / "data"), "-U", "postgres"]
    subprocess.run(
        [primary.binaries / "pg_basebackup", *source, "-D", data, "-R", "-X", "stream",
         "-c", "fast", "--no-sync"],
        user=user, cwd="/", check=True,
    )  # fmt: skip
    # The socket of the tests' servers lies among the data, and its lock was copied with them.
    (data / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
