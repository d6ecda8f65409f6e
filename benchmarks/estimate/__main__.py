"""Speed and memory of the estimator beside its peers, measured in one run.

    python -m benchmarks.estimate [--quick]

Columns: median and best of repeated runs, and processor time, in seconds. pandas and polars take
the sums the cube takes from the rows, and stop there: they are held against those sums alone (like
against like) and against the whole table (their sums against our figures). polars and svy are
measured where they can be imported, R where Rscript has the package survey; svy and R run one group
(R two of the 48 statistics) and are scaled up. Their indicators above the items are means per
respondent, which is one column each: linear combinations of item means would cost them more.
`--quick` skips svy, R and the million rows, and runs everything else once.
"""

import argparse
import gc
import os
import statistics
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.arguments import is_quick, parse_arguments
from benchmarks.estimate.peers import pandas_sums, polars_sums, r_svyby, svy_means
from benchmarks.estimate.synthetic import DESIGN, groups_20, tree_2023, wave
from survey.estimate import Cube, CubeSpec, rake, rank_sets
from survey.estimate.cube.spec import Labels

TREE = tree_2023()
CITY: dict[str, Labels] = {"city": "city"}
STATISTICS, IN_R = 48, 2


@dataclass(frozen=True)
class Timing:
    """Seconds: the median of the runs, the best of them, and processor time of the median."""

    median: float
    best: float
    processor: float

    def times(self, factor: float) -> "Timing":
        return Timing(self.median * factor, self.best * factor, self.processor * factor)


def clock(call: Callable[[], object], repeats: int = 5) -> Timing:
    """Time the call, after one run to warm up."""
    if not is_quick():
        call()
    wall, processor = [], []
    for _ in range(1 if is_quick() else repeats):
        gc.collect()
        start, cpu = time.perf_counter(), time.process_time()
        call()
        wall.append(time.perf_counter() - start)
        processor.append(time.process_time() - cpu)
    return Timing(statistics.median(wall), min(wall), statistics.median(processor))


def megabytes(call: Callable[[], object]) -> float:
    """Most memory held at once beyond what was there before."""
    gc.collect()
    tracemalloc.start()
    result = call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    del result
    return peak / 2**20


def print_timing(name: str, took: Timing | None, note: str = "") -> None:
    if took is None:
        print(f"{name:<42} not installed")
    else:
        print(f"{name:<42} {took.median:9.4f} {took.best:9.4f} {took.processor:9.4f}  {note}")


def spec_20(areas: dict[str, Labels]) -> CubeSpec:
    """The tree of 2023 for 20 groups in `areas`."""
    return CubeSpec(TREE, DESIGN, areas=areas, groups=groups_20())


def measure_cube(frame: pd.DataFrame) -> tuple[Timing, Timing]:
    """The whole table, and its sums alone."""

    def run() -> object:
        return Cube.of(frame, spec_20(CITY)).table()

    def only_sums() -> object:
        return Cube.of(frame, spec_20(CITY))

    took, sums = clock(run, 15), clock(only_sums, 15)
    print_timing(
        "cube: 100 cities x 20 groups x 48", took, f"{megabytes(run):.0f} MB  (<= 0.1 s, 50 MB)"
    )
    print_timing("  its sums alone", sums)
    whole = Cube.of(frame, spec_20(CITY))
    print_timing("  differences to the rest of each city", clock(whole.gaps, 3))
    region = frame["city"].cat.codes.to_numpy() % 4
    areas = CITY | {"region": region, "tier": region // 2, "nation": None}
    everything = clock(lambda: Cube.of(frame, spec_20(areas)).table(), 3)
    print_timing("  with region, tier and nation", everything)
    return took, sums


def measure_peers(frame: pd.DataFrame, own: Timing, sums: Timing, quick: bool) -> None:
    for name, call, wanted in (
        ("pandas groupby, the same sums", pandas_sums(frame), "8"),
        ("polars, the same sums", polars_sums(frame), "5"),
    ):
        took = None if call is None else clock(call, 5)
        print_timing(
            name, took, f"{versus(took, sums, wanted)}; the table {versus(took, own, wanted)}"
        )
    if quick:
        return
    call = svy_means(frame)
    took = None if call is None else clock(call, 3).times(20)
    print_timing("svy, 48 statistics (1 group x 20)", took, versus(took, own, "500"))
    seconds = r_svyby(frame, IN_R)
    took = None
    if seconds is not None:
        took = Timing(seconds, seconds, seconds).times(20 * STATISTICS / IN_R)
    print_timing(f"R svyby, 48 statistics ({IN_R} x 1 group)", took, versus(took, own, "10,000"))


def versus(took: Timing | None, own: Timing, wanted: str) -> str:
    return "" if took is None else f"{took.median / own.median:,.1f} x  (>= {wanted})"


def measure_million() -> None:
    for points in (16, 160):
        frame = wave(1_000_000, points=points)

        def run(frame: pd.DataFrame = frame) -> object:
            return Cube.of(frame, spec_20(CITY)).table()

        took = clock(run, 3)
        note = f"{megabytes(run):.0f} MB  (<= 1.5 s, 300 MB)"
        print_timing(f"cube: 1,000,000 rows, {100 * points:,} PSUs", took, note)
        del frame


def measure_rake(frame: pd.DataFrame) -> None:
    rng = np.random.default_rng(0)
    margins: dict[str | tuple[str, ...], pd.Series] = {}
    for name in ("age", "gender", "education", "income"):
        cells = frame.groupby(["city", name], observed=True).size()
        share = cells * rng.uniform(0.7, 1.4, len(cells))
        margins[name] = 1e6 * share / share.groupby("city", observed=True).transform("sum")
    took = clock(lambda: rake(frame, "weight", margins, within="city"), 5)
    sweeps = rake(frame, "weight", margins, within="city").sweeps
    print_timing("rake: 100 cities x 4 margins to 1e-10", took, f"{sweeps} sweeps  (<= 0.02 s)")


def measure_ranks() -> None:
    rng = np.random.default_rng(0)
    score, se = rng.normal(80, 4, 100), rng.uniform(0.6, 1.6, 100)
    print_timing(
        "rank_sets: 100 cities, 10,000 draws", clock(lambda: rank_sets(score, se), 3), "(<= 1 s)"
    )
    print_timing("  one by one", clock(lambda: rank_sets(score, se, simultaneous=False), 3))


def main() -> None:
    parser = argparse.ArgumentParser()
    quick = parse_arguments(parser).quick
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(f"{'':<42} {'median':>9} {'best':>9} {'cpu':>9}")
    frame = wave(10_000) if quick else wave()
    took, sums = measure_cube(frame)
    measure_peers(frame, took, sums, quick)
    measure_rake(frame)
    measure_ranks()
    if not quick:
        measure_million()


if __name__ == "__main__":
    main()
