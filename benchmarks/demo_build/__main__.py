"""Time of `survey demo`, frozen by one process and by two: `python -m benchmarks.demo_build`.

Option: the size (default 1, the real one). `--quick` stops when one process has frozen the first
wave, and takes the small demo that all share for what two made. Both make the same tables, byte for
byte. The ratio needs two cores with nothing else on them; processor time tells how far from that a
run was.
"""

import argparse
import hashlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.arguments import parse_arguments
from benchmarks.live_server import SMALL_SIZE, small_demo
from survey.operations.demo_progress import find_demo_progress
from survey.settings import Settings

PROGRAM = "from survey.cli.main import main\nmain()"
WORKERS = (2, 1)
TARGET = 0.6
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Build:
    seconds: float
    first_seconds: float
    """Until the first wave was frozen, when pages are served with `--serve`."""
    cpu_seconds: float
    tables: dict[str, str]


def measure(workers: int, size: str, *, only_first: bool = False) -> Build:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "SURVEY_DATABASE_URL": "", "SURVEY_DATA_DIR": folder}
        settings = Settings(database_url="", data_dir=Path(folder) / "demo", _env_file=None)
        command = [sys.executable, "-c", PROGRAM, "demo", "--size", size, "--workers", str(workers)]
        before, started = _cpu_of_children(), time.perf_counter()
        process = subprocess.Popen(
            command, env=environment, stderr=subprocess.DEVNULL, start_new_session=True
        )
        first = 0.0
        while process.poll() is None:
            progress = find_demo_progress(settings)
            if not first and progress is not None and progress.done:
                first = time.perf_counter() - started
                if only_first:
                    os.killpg(process.pid, signal.SIGKILL)
            time.sleep(_POLL_SECONDS)
        seconds = time.perf_counter() - started
        if process.returncode and not (only_first and first):
            raise SystemExit(f"survey demo ended with {process.returncode}")
        return Build(seconds, first, _cpu_of_children() - before, hash_tables(settings.data_dir))


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def hash_tables(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.parquet")
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure survey demo by two processes and by one.")
    parser.add_argument("size", nargs="?", default="1")
    given = parse_arguments(parser, size=SMALL_SIZE)
    if given.quick:
        with tempfile.TemporaryDirectory() as folder, small_demo(Path(folder)) as shared:
            two = hash_tables(shared)
        one = measure(1, given.size, only_first=True).tables
        print(f"the same {compare(one, two, one.keys() & two.keys())} tables")
        return
    builds = {}
    for workers in WORKERS:
        build = builds[workers] = measure(workers, given.size)
        print(
            f"frozen by {workers}: {build.seconds:.0f} s, "
            f"first wave after {build.first_seconds:.0f} s, {build.cpu_seconds:.0f} s of CPU",
            flush=True,
        )
    one, two = builds[1].tables, builds[2].tables
    made = compare(one, two, one.keys() | two.keys())
    ratio = builds[2].seconds / builds[1].seconds
    print(f"the same {made} tables; ratio {ratio:.2f} (target {TARGET})")


def compare(one: Mapping[str, str], two: Mapping[str, str], names: Collection[str]) -> int:
    """Return the number of tables `names`, of which both must have the same bytes."""
    if not names or any(one.get(name) != two.get(name) for name in names):
        raise SystemExit("the tables differ")
    return len(names)


if __name__ == "__main__":
    main()
