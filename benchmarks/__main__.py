"""Every measurement of docs/performance.md, one after the other: `python -m benchmarks [names]`.

With `--quick` each runs once at its smallest size, on copies of one small demo: nothing is
measured, but all of it runs. What they import is then imported once, for each is a fork.
"""

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from benchmarks.live_server import PREPARED_DEMO, small_demo

ROOT = Path(__file__).resolve().parents[1]
NAMES = tuple(sorted(path.parent.name for path in ROOT.glob("benchmarks/*/__init__.py")))


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what docs/performance.md reports.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"some of: {', '.join(NAMES)}")
    parser.add_argument("--quick", action="store_true", help="each once, at its smallest size")
    chosen = parser.parse_args()
    wanted = chosen.names or NAMES
    unknown = set(wanted) - set(NAMES)
    if unknown:
        parser.error(f"there is no benchmark named {', '.join(sorted(unknown))}")
    if chosen.quick:
        mains = {name: import_module(f"benchmarks.{name}.__main__").main for name in wanted}
        with _prepared_demo():
            failed = [name for name, own_main in mains.items() if not _run_fork(name, own_main)]
    else:
        failed = [name for name in wanted if not _run(name)]
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


@contextmanager
def _prepared_demo() -> Iterator[None]:
    """Name one small demo in the environment, for all to copy, unless it names one already."""
    if PREPARED_DEMO in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory() as folder, small_demo(Path(folder)) as demo:
        os.environ[PREPARED_DEMO] = str(demo)
        yield


def _run_fork(name: str, own_main: Callable[[], None]) -> bool:
    """Run a benchmark at its smallest size in a fork of this process; return whether it ended."""
    print(f"\n== {name} --quick ==", flush=True)
    sys.argv = [name, "--quick"]
    process = multiprocessing.get_context("fork").Process(target=own_main)
    process.start()
    process.join()
    return process.exitcode == 0


def _run(name: str) -> bool:
    """A process each, so that one benchmark's memory is not another's."""
    command = [sys.executable, "-m", f"benchmarks.{name}"]
    print(f"\n== {name} ({' '.join(['python', *command[1:]])}) ==", flush=True)
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


if __name__ == "__main__":
    main()
