"""Thousands of interviews while the server is killed, its lines cut, its disk full, its database
stopped; then every receipt is looked for in the store.

    python -m benchmarks.faults [--interviews 2000] [--kills 20] [--stores sqlite postgresql]

The short form of the same is in tests/web/test_faults.py and test_database_restart.py. Here the
whole platform is served (`survey serve`), the disk of the SQLite store is a small file system of
its own where the account may mount one (root), and PostgreSQL syncs every commit.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.faults.places import Disk, Postgres, postgresql, prepared, small_disk
from survey.settings import PROJECT_ROOT
from survey.store.engine import dispose_engines

sys.path.insert(0, str(PROJECT_ROOT / "tests"))

from phones import CuttingLine, DoorProcess, Phones, disagreements, wait_for

AT_ONCE = 16
PATIENCE = 1800.0


class Run:
    """One scenario: a platform on a store of its own, and phones that bring interviews to it."""

    def __init__(self, door: DoorProcess, phones: Phones) -> None:
        self.door, self.phones = door, phones

    def reach(self, part: float) -> None:
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
    interviews = prepared(url, count)
    door = DoorProcess(url, folder, whole=True)
    door.start()
    line = CuttingLine(door.port, seed=1) if cut else None
    try:
        wait_for(door.is_up, "the platform is up")
        started = time.monotonic()
        phones = Phones(line.port if line else door.port, interviews, AT_ONCE, patience=PATIENCE)
        phones.start()
        yield Run(door, phones)
        phones.wait()
        seconds = time.monotonic() - started
    finally:
        door.stop()
    wrong = [*phones.refusals[:5], *disagreements(url, phones.receipts)]
    dispose_engines()
    if "Traceback" in door.log.read_text():
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


def killed(run: Run, kills: int) -> None:
    for number in range(1, kills + 1):
        run.reach(number / (kills + 2))
        run.door.kill()
        run.door.start()


def full(run: Run, disk: Disk) -> None:
    run.reach(0.25)
    release = disk.fill(run.door.pid)
    run.refusals(50)
    release()


def restarted(run: Run, database: Postgres) -> None:
    """In order and without notice, in turn."""
    for number in range(1, 5):
        run.reach(number / 6)
        database.stop(in_order=number % 2 == 1)
        run.refusals(5)
        database.start()


def on_sqlite(folder: Path, count: int, kills: int) -> None:
    url = f"sqlite:///{folder}/{{}}.db"
    with running(f"SQLite, {kills} kills", url.format("kills"), folder, count) as run:
        killed(run, kills)
    with running("SQLite, lines cut", url.format("cuts"), folder, count, cut=True):
        pass
    with small_disk(folder) as disk:
        url = f"sqlite:///{disk.place}/survey.db"
        with running(f"SQLite, disk full ({disk.how})", url, folder, count) as run:
            full(run, disk)


def on_postgresql(folder: Path, count: int, kills: int) -> None:
    with postgresql(folder) as database:
        url = database.create("kills")
        with running(f"PostgreSQL, {kills} kills", url, folder, count) as run:
            killed(run, kills)
        url = database.create("restarts")
        with running("PostgreSQL, stopped 4 times", url, folder, count) as run:
            restarted(run, database)


SCENES = {"sqlite": on_sqlite, "postgresql": on_postgresql}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--interviews", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--stores", nargs="+", default=list(SCENES), choices=list(SCENES))
    chosen = parser.parse_args()
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
