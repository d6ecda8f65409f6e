"""Counting of a million single complaints, beside pandas.read_csv of the same file in the same run.

The list has the columns of a 12315 system, with names, numbers and free text that are not read. It
is counted, checked, summed up and stored. A shared machine stretches the clock, so processor
seconds and their ratio to the yardstick are what is compared.
"""

import argparse
import resource
import time
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from benchmarks.arguments import parse_arguments
from survey.access.principal import OPERATOR
from survey.access.work import Work
from survey.counts.bringing_in.count_files import read_count_file
from survey.counts.count_kinds import COMPLAINTS
from survey.counts.deliveries import DeliveryHead, import_delivery
from survey.frame.city_frame import shipped_cities
from survey.frame.code_lists import CodeListName, shipped_code_lists
from survey.settings import PROJECT_ROOT, current_settings
from survey.store.engine import dispose_engines
from survey.store.schema import upgrade
from survey.store.transactions import run_in_transaction

CASES = 1_000_000
MAX_MIB, MAX_RATIO = 1_024, 60.0
_EXAMPLE = PROJECT_ROOT / "seed" / "context" / "examples" / "complaint_cases_12315.csv"
_BLOCK = 50_000


def write_cases(path: Path, cases: int) -> None:
    """Write a list of that many invented cases of 2024, each at a second of its own."""
    rows = _EXAMPLE.read_text(encoding="utf-8-sig").splitlines()
    heads, example = rows[0], rows[1].split(",")
    lists, random = shipped_code_lists(), np.random.default_rng(1)
    natures, classes = (
        [each.name_zh for each in lists.codes_of(name) if "," not in each.name_zh]
        for name in (CodeListName.NATURE, CodeListName.GOODS_CLASS)
    )
    places = [city.code for city in shipped_cities()]
    start = np.datetime64("2024-01-01T00:00:00")
    seconds = 366 * 24 * 3600 // max(cases, 1)
    with path.open("w", encoding="utf-8") as file:
        file.write(heads + "\n")
        for first in range(0, cases, _BLOCK):
            count = min(_BLOCK, cases - first)
            chosen = [random.integers(len(each), size=count) for each in (places, natures, classes)]
            for at, (place, nature, goods) in enumerate(zip(*chosen, strict=True), start=first):
                when = str(start + np.timedelta64(at * seconds, "s")).replace("T", " ")
                file.write(
                    f"B{at},{when},{example[2]},139{at:08d},{example[4]},{example[5]},{example[6]},"
                    f"{places[place]},{example[8]},{natures[nature]},{classes[goods]},"
                    f"{example[11]},{example[12]},{at % 1000}\n"
                )


def measure(folder: Path, cases: int) -> None:
    path, url = folder / "cases.csv", f"sqlite:///{folder / 'survey.db'}"
    write_cases(path, cases)
    upgrade(url)
    clock, before = time.monotonic(), time.process_time()
    check = read_count_file(COMPLAINTS, path.read_bytes(), of_cases=True).check
    counted = int(check.require_counts().frame["accepted"].sum())
    receipt = run_in_transaction(
        url,
        lambda session: import_delivery(
            Work(session, OPERATOR, datetime.now(UTC), current_settings()),
            check=check,
            head=DeliveryHead("benchmark", "benchmark", date(2025, 1, 5)),
        ),
        long_running=True,
    )
    seconds, processor = time.monotonic() - clock, time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    dispose_engines()
    before = time.process_time()  # After the peak was taken: this table is not the platform's.
    pd.read_csv(path)
    yardstick = time.process_time() - before
    if counted != cases:
        raise SystemExit(f"{counted:,} cases were counted of {cases:,}")
    size = path.stat().st_size / 2**20
    print(f"{cases:,} cases ({size:.0f} MiB) are {receipt.rows:,} counts: {seconds:.1f} s, "
          f"processor {processor:.1f} s")  # fmt: skip
    print(f"pandas.read_csv {yardstick:.2f} s, ratio {processor / yardstick:.1f}")
    print(f"peak memory {peak:,.0f} MiB")
    if cases >= CASES and (peak > MAX_MIB or processor / yardstick > MAX_RATIO):
        raise SystemExit("over the limit")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES)
    given = parse_arguments(parser, cases=20_000)
    with TemporaryDirectory() as folder:
        measure(Path(folder), given.cases)


if __name__ == "__main__":
    main()
