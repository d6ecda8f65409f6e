"""Every measurement of docs/performance.md, one after the other: `python -m benchmarks [names]`.

With `--quick` each runs once at its smallest size, on copies of one small demo: nothing is
measured, but all of it runs.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.live_server import PREPARED_DEMO, small_demo

ROOT = Path(__file__).resolve().parents[1]
NAMES = tuple(sorted(path.parent.name for path in ROOT.glob("benchmarks/*/__init__.py")))


def command_of(name: str, *options: str) -> list[str]:
    return [sys.executable, "-m", f"benchmarks.{name}", *options]


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
        with tempfile.TemporaryDirectory() as folder, small_demo(Path(folder)) as demo:
            os.environ[PREPARED_DEMO] = str(demo)
            failed = [name for name in wanted if not _run(name, "--quick")]
    else:
        failed = [name for name in wanted if not _run(name)]
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


def _run(name: str, *options: str) -> bool:
    """A process each, so that one benchmark's memory is not another's."""
    command = command_of(name, *options)
    print(f"\n== {name} ({' '.join(['python', *command[1:]])}) ==", flush=True)
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


if __name__ == "__main__":
    main()
