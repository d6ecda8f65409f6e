"""Every measurement of docs/performance.md, one after the other: `python -m benchmarks [names]`."""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ORDER = (
    "submission", "load", "faults", "surveyors", "dashboards", "estimate", "demo", "demo_build",
    "quality", "importing", "keyboard_work", "files", "reports", "complaints", "flood", "truth",
)  # fmt: skip


def command_of(name: str) -> list[str] | None:
    """How to start a benchmark in its short form; None where there is none."""
    folder = ROOT / "benchmarks" / name
    if (folder / "__main__.py").exists():
        return [sys.executable, "-m", f"benchmarks.{name}"]
    if (folder / "run.py").exists():
        return [sys.executable, "-m", f"benchmarks.{name}.run", "--quick"]
    return None


def present() -> list[str]:
    return [name for name in ORDER if command_of(name)]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what docs/performance.md reports.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"some of: {', '.join(ORDER)}")
    wanted = parser.parse_args().names or present()
    unknown = set(wanted) - set(present())
    if unknown:
        parser.error(f"there is no benchmark named {', '.join(sorted(unknown))}")
    failed = [name for name in wanted if not _run(name)]
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


def _run(name: str) -> bool:
    """A process each, so that one benchmark's memory is not another's."""
    command = command_of(name) or []
    print(f"\n== {name} ({' '.join(['python', *command[1:]])}) ==", flush=True)
    return bool(command) and subprocess.run(command, cwd=ROOT, check=False).returncode == 0


if __name__ == "__main__":
    main()
