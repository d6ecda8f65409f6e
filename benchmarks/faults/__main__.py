"""Thousands of interviews while the server is killed, its lines cut, its disk full, its database
stopped; then every receipt is looked for in the store.

    python -m benchmarks.faults [--interviews 2000] [--kills 20] [--stores sqlite postgresql]

The short form of the same is in tests/web/test_server_failures.py and test_database_restart.py.
Here the
whole platform is served (`survey serve`), the disk of the SQLite store is a small file system of
its own where the account may mount one (root), and PostgreSQL syncs every commit.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.arguments import parse_arguments
from benchmarks.faults.failing_stores import Disk, Postgres, postgresql, prepare_store, small_disk
from survey.store.engine import dispose_engines
from tests.submission_clients import (
    ServerProcess,
    SubmissionClients,
    UnreliableProxy,
    disagreements,
    wait_for,
)

CLIENTS = 16
TIMEOUT_SECONDS = 1800.0


class Run:
    """One scenario: a platform on a store of its own, and phones that bring interviews to it."""

    def __init__(self, server: ServerProcess, phones: SubmissionClients) -> None:
        self.server_process, self.phones = server, phones

    def wait_until(self, part: float) -> None:
        """Wait until that part of the interviews has its receipts."""
        goal = int(len(self.phones.interviews) * part)
        wait_for(lambda: len(self.phones.receipts) >= goal, f"{goal} receipts")

    def refusals(self, more: int) -> None:
        """Wait until so many more phones were told to come again."""
        goal = self.phones.statuses[503] + more
        wait_for(lambda: self.phones.statuses[503] >= goal, "refusals")


@contextmanager
def running(title: str, url: str, folder: Path, count: int, *, cut: bool = False) -> Iterator[Run]:
    """The scenario is what happens within; afterwards all is counted. Exits when it is wrong."""
    interviews = prepare_store(url, count)
    server = ServerProcess(url, folder, whole=True)
    server.start()
    line = UnreliableProxy(server.port, seed=1) if cut else None
    try:
        wait_for(server.is_up, "the platform is up")
        started = time.monotonic()
        phones = SubmissionClients(
            line.port if line else server.port, interviews, CLIENTS, patience=TIMEOUT_SECONDS
        )
        phones.start()
        yield Run(server, phones)
        phones.wait()
        seconds = time.monotonic() - started
    finally:
        server.stop()
    wrong = [*phones.refusals[:5], *disagreements(url, phones.receipts)]
    dispose_engines()
    if "Traceback" in server.log.read_text():
        wrong.append("the server's log holds a traceback")
    statuses = ", ".join(f"{number} x {what}" for what, number in phones.statuses.most_common())
    print(f"{title}: {len(phones.receipts)} receipts of {count} interviews in {seconds:.0f} s")
    print(f"  answers: {statuses}")
    if line:
        line.close()
        print(f"  cuts: {', '.join(f'{n} {kind}' for kind, n in line.cuts.items() if kind)}")
    for each in wrong:
        print(f"  WRONG: {each}")
    if wrong or phones.unsent:
        raise SystemExit(1)
    print("  every receipt is in the store exactly once, and no interview is left unsent")


def run_with_kills(run: Run, kills: int) -> None:
    for number in range(1, kills + 1):
        run.wait_until(number / (kills + 2))
        run.server_process.kill()
        run.server_process.start()


def run_with_full_disk(run: Run, disk: Disk) -> None:
    run.wait_until(0.25)
    release = disk.fill(run.server_process.pid)
    run.refusals(50)
    release()


def run_with_restarts(run: Run, database: Postgres) -> None:
    """In order and without notice, in turn."""
    for number in range(1, 5):
        run.wait_until(number / 6)
        database.stop(in_order=number % 2 == 1)
        run.refusals(5)
        database.start()


def run_on_sqlite(folder: Path, count: int, kills: int) -> None:
    url = f"sqlite:///{folder}/{{}}.db"
    with running(f"SQLite, {kills} kills", url.format("kills"), folder, count) as run:
        run_with_kills(run, kills)
    with running("SQLite, lines cut", url.format("cuts"), folder, count, cut=True):
        pass
    with small_disk(folder) as disk:
        url = f"sqlite:///{disk.folder}/survey.db"
        with running(f"SQLite, disk full ({disk.how})", url, folder, count) as run:
            run_with_full_disk(run, disk)


def run_on_postgresql(folder: Path, count: int, kills: int) -> None:
    with postgresql(folder) as database:
        url = database.create("kills")
        with running(f"PostgreSQL, {kills} kills", url, folder, count) as run:
            run_with_kills(run, kills)
        url = database.create("restarts")
        with running("PostgreSQL, stopped 4 times", url, folder, count) as run:
            run_with_restarts(run, database)


SCENES = {"sqlite": run_on_sqlite, "postgresql": run_on_postgresql}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--interviews", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--stores", nargs="+", default=list(SCENES), choices=list(SCENES))
    chosen = parse_arguments(parser, interviews=60, kills=1, stores=["sqlite"])
    for scenes in map(SCENES.__getitem__, chosen.stores):
        folder = Path(tempfile.mkdtemp(prefix="survey-faults-"))
        folder.chmod(0o755)
        try:
            scenes(folder, chosen.interviews, chosen.kills)
        finally:
            with suppress(OSError):
                shutil.rmtree(folder)


if __name__ == "__main__":
    main()
