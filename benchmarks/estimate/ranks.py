"""Do sets of ranks hold when errors are estimated? Family-wise errors over many surveys.

    python benchmarks/estimate/ranks.py [--surveys 1000] [--cities 100] [--df 4 8 12 19 35 inf]

Every survey draws the scores of cities with known true scores and, apart from them, each city's
standard error with its degrees of freedom. True scores: all *equal*; *two levels* of ten points
apart, which step-down tells apart at once, so that it is asked for all that is left; *spread* as
those of a wave; *unequal*, all equal with errors of one to three. Printed: the share of surveys in
which a city is told to be surely above another that is not below it (wanted: at most 5 %), with its
own standard error, the same when errors are taken as known, and the mean size of a set of ranks.
"""

import argparse
from collections.abc import Iterator

import numpy as np

from survey.estimate import rank_sets, significant_pairs

DRAWS = 1_000
CASES = ("equal", "two levels", "spread", "unequal")


def truth(case: str, cities: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """True scores and true standard errors."""
    error = np.full(cities, 0.8)
    if case == "two levels":
        return np.repeat([74.0, 84.0], [cities // 2, cities - cities // 2]), error
    if case == "spread":
        return rng.normal(79, 2.5, cities), error
    if case == "unequal":
        error = 0.5 * np.geomspace(1, 3, cities)
    return np.full(cities, 79.0), error


def survey(
    true: np.ndarray, error: np.ndarray, df: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Estimates and estimated standard errors."""
    known = np.isinf(df)
    scale = np.ones(len(true)) if known else rng.chisquare(df, len(true)) / df
    return true + error * rng.standard_normal(len(true)), error * np.sqrt(scale)


def family_errors(
    case: str, df: float, *, surveys: int, cities: int = 100, seed: int = 1, draws: int = DRAWS
) -> Iterator[tuple[bool, bool, float]]:
    """Of each survey: any wrong verdict, any with errors taken as known, mean size of a set."""
    rng = np.random.default_rng([seed, CASES.index(case)])
    for number in range(surveys):
        true, error = truth(case, cities, rng)
        x, se = survey(true, error, df, rng)
        wrong = true[:, None] <= true
        ranked = [rank_sets(x, se, df=freedom, draws=draws, seed=number) for freedom in (df, None)]
        significant = [
            significant_pairs(x, se, sets.attrs["critical"], df=freedom)
            for sets, freedom in zip(ranked, (df, None), strict=True)
        ]
        size = float((ranked[0]["high"] - ranked[0]["low"] + 1).mean())
        yield bool((significant[0] & wrong).any()), bool((significant[1] & wrong).any()), size


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--surveys", type=int, default=1_000)
    parser.add_argument("--cities", type=int, default=100)
    parser.add_argument("--df", type=float, nargs="+", default=[4, 8, 12, 19, 35, np.inf])
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    wanted = parser.parse_args()
    print(f"{'true scores':<12}{'df':>6}{'wrong':>9}{'':>9}{'as known':>10}{'size':>8}")
    for case in wanted.cases:
        for df in wanted.df:
            outcomes = np.array(
                list(family_errors(case, df, surveys=wanted.surveys, cities=wanted.cities))
            )
            share, known, size = outcomes.mean(axis=0)
            error = np.sqrt(share * (1 - share) / len(outcomes))
            print(
                f"{case:<12}{df:>6g}{share:>9.1%}  ±{error:.1%}{known:>11.1%}{size:>9.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
