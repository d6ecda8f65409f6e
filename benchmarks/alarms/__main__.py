"""Early warning over all series of the nation, beside numpy's least squares of the same matrix.

A shared machine stretches the clock, so processor seconds and their ratio are what is compared.
"""

import argparse
import resource
import time

import numpy as np

from benchmarks.arguments import parse_arguments
from benchmarks.truth.outbreaks import Case, simulate
from survey.estimate.outbreaks import LEAST_COUNT, warn_of_outbreaks

SERIES, WEEKS = 25_400, 287
"""Of 127 areas with 20 classes and 10 natures; the longest past that is used."""
MAX_RATIO = 22.0
"""Most processor time over that of least squares; half as much again as measured."""
COLUMNS = 11


def measure(series: int) -> None:
    """Print and check the time of every series, and of those that can stand out."""
    counts, _ = simulate(np.random.default_rng(1), Case(WEEKS, 2.5, (20, 2.0), series=series))
    is_known = np.ones(counts.shape, bool)
    design = np.random.default_rng(2).normal(size=(WEEKS, COLUMNS))
    before = time.process_time()
    np.linalg.lstsq(design, np.log1p(counts.T.astype(np.float64)), rcond=None)
    yardstick = time.process_time() - before
    chosen = np.flatnonzero(counts[:, -1] >= LEAST_COUNT)
    seconds = {}
    for name, rows in (("all", np.arange(series)), ("of ten and more", chosen)):
        before = time.process_time()
        warn_of_outbreaks(counts[rows], is_known[rows], tested=series)
        seconds[name] = time.process_time() - before
        print(f"{len(rows):,} series × {WEEKS} weeks ({name}): {seconds[name]:.2f} s")
    ratio = seconds["all"] / yardstick
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"least squares {yardstick:.2f} s, ratio {ratio:.1f}; peak memory {peak:,.0f} MiB")
    if series >= SERIES and ratio > MAX_RATIO:
        raise SystemExit("over the limit")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=SERIES)
    measure(parse_arguments(parser, series=500).series)


if __name__ == "__main__":
    main()
