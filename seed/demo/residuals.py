"""How far the model's expected values lie from the published figures.

`python -m seed.demo.residuals` prints the table of `docs/demo-data.md`.
"""

import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd

from seed.demo.calibrate import calibrate_wave
from seed.demo.city_scores import NOT_COMPARABLE, YEARS
from seed.demo.truth import true_values
from survey.figures.published_figures import MEAN_OF_CITIES, PublishedResult, published_results
from survey.frame.city_frame import shipped_cities
from survey.frame.quotas import EVERYONE

TOLERANCE = 0.3


@dataclass(frozen=True)
class Residual:
    """One published figure and what the model expects for it."""

    result: PublishedResult
    expected: float
    comparable: bool
    """False where our frame cannot tell which cities the published figure covers."""

    @property
    def residual(self) -> float:
        return self.expected - (self.result.score or 0.0)


def residuals() -> tuple[Residual, ...]:
    """Every published score of the demo's years beside its expected value."""
    rows = []
    for year in YEARS:
        truth = true_values(calibrate_wave(f"main-{year}")).set_index(
            ["area_level", "area", "group", "indicator"]
        )["value"]
        rows += [
            Residual(
                result, _compute_expected(result, truth), result.area_level not in NOT_COMPARABLE
            )
            for result in published_results()
            if result.year == year and result.score is not None
        ]
    return tuple(rows)


def _compute_expected(result: PublishedResult, truth: pd.Series) -> float:
    if result.statistic == MEAN_OF_CITIES:
        codes = [c.code for c in shipped_cities() if c.province_code == result.area]
        return float(np.mean([truth["city", code, EVERYONE, result.indicator] for code in codes]))
    key = (result.area_level, result.area, result.group, result.indicator)
    return float(truth[key])


def markdown() -> str:
    """The residuals as a table for the documentation."""
    names = {city.code: city.name_en for city in shipped_cities()}
    lines = [
        "| year | area | group | indicator | published | expected | residual |",
        "|---|---|---|---|---:|---:|---:|",
    ]
    for row in residuals():
        result = row.result
        area = names.get(result.area, f"{result.area_level} {result.area}")
        area += " (mean of cities)" if result.statistic == MEAN_OF_CITIES else ""
        note = "" if row.comparable else " (not a target)"
        lines.append(
            f"| {result.year} | {area}{note} | {result.group} | {result.indicator} "
            f"| {result.score:.2f} | {row.expected:.2f} | {row.residual:+.2f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(markdown() + "\n")
