"""Sample of the rows in a file, and what de-identification costs the headline, in points."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.access.roles import NATION
from survey.disclosure import MINIMUM_N
from survey.estimate import Cube, CubeSpec, EstimateError
from survey.estimate.tree import COMPOSITE
from survey.files.microdata.released_rows import ONE_IN, HeadlineDeviation
from survey.frame.quotas import EVERYONE
from survey.results.wave_parts import WaveData
from survey.results.wave_rules import ScoringPlan


def draw_order(response_ids: pd.Series, seed: pd.Series) -> NDArray[np.str_]:
    """Return a sort key by interview that looks random, from its id and its city's seed alone."""
    return np.array(
        [
            hashlib.sha256(f"{start}/{response_id}".encode()).hexdigest()
            for start, response_id in zip(seed, response_ids, strict=True)
        ]
    )


def draw_sample(people: pd.DataFrame, order: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Return by interview whether it stays: nine in ten of every city, those last in `order`."""
    city, _ = pd.factorize(people["city_code"].astype(str))
    by_city = np.lexsort((order, city))
    sizes = np.bincount(city)
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    place = np.empty(len(people), dtype=np.int64)
    place[by_city] = np.arange(len(people)) - starts[city[by_city]]
    kept: NDArray[np.bool_] = place >= np.ceil(sizes / ONE_IN)[city]
    return kept


def pair_rows(
    areas: NDArray[np.int64], is_blanked: NDArray[np.bool_], order: NDArray[np.str_]
) -> NDArray[np.int64]:
    """Return by row whose answers (row index) it gets, else its own; `order` sorts the circles.

    In each area the rows with a blank pass their answers on in a circle. Where there is one alone,
    it changes with another row of the area. Within smaller circles, of rows that look the same, the
    tables told which of a few people has which label.

    Args:
        areas: the city of each row, as a number.
    """
    source = np.arange(len(areas))
    blanks = np.bincount(areas, weights=is_blanked, minlength=areas.max(initial=-1) + 1)
    sequence = np.lexsort((order, ~is_blanked, areas))
    ordered = areas[sequence]
    first = np.flatnonzero(np.diff(ordered, prepend=-1))
    within = np.arange(len(ordered)) - np.repeat(first, np.diff(first, append=len(ordered)))
    # One alone takes the next row of its area, which is not blanked, as a partner.
    wanted = np.where(blanks == 1, 2, blanks)[ordered]
    in_circle = sequence[within < wanted]
    circle = areas[in_circle]
    begins = np.flatnonzero(np.diff(circle, prepend=-1))
    following = np.arange(1, len(in_circle) + 1)
    ends = np.concatenate((begins[1:], [len(in_circle)])) - 1
    following[ends[: len(begins)]] = begins
    source[in_circle] = in_circle[following]
    return source


def find_single_circles(
    circles: NDArray[np.int64], answers: NDArray[np.integer[Any]], is_blanked: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return by row whether all blanks in its circle of exchanged answers hide one same answer.

    Args:
        circles: by row; -1 where there is none.
        answers: the true answer to one question by row, as a number.
        is_blanked: rows in which it was blanked.
    """
    count = circles.max(initial=0) + 1
    least = np.full(count, np.iinfo(np.int64).max)
    most = np.full(count, -1, dtype=np.int64)
    hidden = is_blanked & (circles >= 0)
    np.minimum.at(least, circles[hidden], answers[hidden])
    np.maximum.at(most, circles[hidden], answers[hidden])
    single: NDArray[np.bool_] = (least == most)[circles] & (circles >= 0)
    return single


_STEP = 0.01
"""Points; said no finer, for an exact difference is one more equation about who was merged."""


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """Interviews of whole cities with all that is needed to compute their composite score."""

    people: pd.DataFrame
    spec: CubeSpec
    plan: ScoringPlan

    @classmethod
    def of(cls, source: WaveData, people: pd.DataFrame) -> "ScoredRows":
        """Return interviews of a wave with the columns and areas that scores need."""
        spec = source.build_cube_spec(
            areas={
                "nation": np.full(len(people), NATION, dtype=object),
                "city": people["city_code"].astype(str).to_numpy(dtype=object),
            },
            groups={EVERYONE: np.ones(len(people), dtype=bool)},
        )
        design = source.design
        kept = [*source.plan.tree.item_columns, design.weight, design.strata, design.psu]
        return cls(people[[name for name in kept if name is not None]], spec, source.plan)

    def __call__(self) -> tuple[pd.DataFrame, CubeSpec]:
        """Return the interviews with answers as floats, and what to estimate from them."""
        numbers = {
            name: self.people[name].to_numpy(dtype=float, na_value=np.nan)
            for name in self.plan.tree.item_columns
        }
        return self.people.assign(**numbers), self.spec


def compare_headlines(
    people: Sequence[ScoredRows], rows: Sequence[ScoredRows]
) -> HeadlineDeviation:
    """Return the largest differences of headlines of file `rows` from wave `people`, in points.

    The headline is the composite or, without a tree, every rating. Cities with too few respondents
    to be published, or without any in the file, are passed over.
    """
    plan = people[0].plan
    rows = [part for part in rows if len(part.people)]
    if not rows:
        return HeadlineDeviation(None, None)
    headline = [COMPOSITE] if plan.has_composite else list(plan.tree.variables)
    try:
        before, after = _estimate(people), _estimate(rows)
    except EstimateError:
        return HeadlineDeviation(None, None)
    before = before[(before["n"] >= MINIMUM_N) & before["indicator"].isin(headline)]
    joined = before.merge(
        after, on=["area_level", "area", "indicator"], suffixes=("_before", "_after")
    )
    distance = (joined["estimate_before"] - joined["estimate_after"]).abs()
    return HeadlineDeviation(
        _find_max_deviation(distance[joined["area_level"] == "nation"]),
        _find_max_deviation(distance[joined["area_level"] == "city"]),
    )


def _estimate(parts: Sequence[ScoredRows]) -> pd.DataFrame:
    if len(parts) == 1:
        cube = Cube.of(*parts[0]())
    else:
        spec = parts[0].spec
        named = replace(spec, areas=dict.fromkeys(spec.areas), groups=dict.fromkeys(spec.groups))
        cube = Cube.of_parts(parts, named)
    table = cube.point_estimates()
    keys = ["area_level", "area", "indicator"]
    return table.astype(dict.fromkeys(keys, str))[[*keys, "n", "estimate"]]


def _find_max_deviation(distance: pd.Series) -> float | None:
    known = distance.dropna()
    if known.empty:
        return None
    steps = math.ceil(round(float(known.max()) / _STEP, 6))
    return round(steps * _STEP, 2)
