"""The grids of docs/statistics.md: `python -m benchmarks.truth [names] [--samples N]`.

Each prints how often 95 % intervals hold the truth, or how often a difference is called one though
there is none. `--samples` is the number of samples of each case (of 100 cities for rates); `scores`
has further options of its own, `python -m benchmarks.truth.scores`.
"""

import argparse
from collections.abc import Callable

from benchmarks.arguments import parse_arguments
from benchmarks.truth import (
    agreement,
    bridge,
    case_mix,
    item_bias,
    mode_experiment,
    open_answers,
    outbreaks,
    rate_mix,
    rates,
    scores,
    small_areas,
    windows,
)

GRIDS: dict[str, tuple[Callable[[int], None], int]] = {
    "scores": (scores.print_measures, 200),
    "rates": (rates.print_grid, 20),
    "agreement": (agreement.print_grid, 1000),
    "open_answers": (open_answers.print_grid, 100),
    "small_areas": (small_areas.print_grid, 200),
    "windows": (windows.print_grid, 3000),
    "case_mix": (case_mix.print_grid, 1000),
    "rate_mix": (rate_mix.print_grid, 300),
    "mode_experiment": (mode_experiment.print_grid, 1000),
    "bridge": (bridge.print_grid, 1000),
    "outbreaks": (outbreaks.print_grid, 20),
    "item_bias": (item_bias.print_grid, 200),
}
"""What prints each grid, and the number of samples of each case."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Do intervals and tests hold as they say?")
    parser.add_argument("names", nargs="*", metavar="name", help=f"some of: {', '.join(GRIDS)}")
    parser.add_argument("--samples", type=int)
    chosen = parse_arguments(parser, samples=1)
    for name in chosen.names or GRIDS:
        print_grid, samples = GRIDS[name]
        print_grid(chosen.samples or samples)


if __name__ == "__main__":
    main()
