"""Time and memory of making one demo wave and writing it to SQLite: `python -m benchmarks.demo`.

Options: the wave's key (default main-2024) and its size (default 1, the real size).
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.arguments import parse_arguments
from survey.settings import PROJECT_ROOT

sys.path.insert(0, str(PROJECT_ROOT))


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the making of a demo wave.")
    parser.add_argument("key", nargs="?", default="main-2024")
    parser.add_argument("size", nargs="?", type=float, default=1.0)
    given = parse_arguments(parser, size=0.005)
    key, size = given.key, given.size
    started = time.perf_counter()
    from seed.demo import build

    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/survey.db"
        build(
            url,
            waves=(key,),
            size=size,
            truth_dir=Path(folder) / "truth",
            progress=lambda text: print(f"{time.perf_counter() - started:6.1f} s  {text}"),
        )
        written = sum(path.stat().st_size for path in Path(folder).rglob("*.db"))
    wall = time.perf_counter() - started
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = usage.ru_utime + usage.ru_stime
    print(
        f"{key} at size {size}: {wall:.1f} s, {cpu:.1f} s of CPU, "
        f"{usage.ru_maxrss / 1024:.0f} MB peak, {written / 1e6:.0f} MB database"
    )


if __name__ == "__main__":
    main()
