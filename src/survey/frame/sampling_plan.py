"""Sampling plan as a whole: precision, oversampling, sizes, quotas, and the draw of points."""

import csv
import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from math import floor

import numpy as np
import pandas as pd

from survey.frame.city_frame import FrameCity
from survey.frame.quotas import (
    GUARDIAN,
    STRATA,
    VILLAGE_SERIES,
    Oversampling,
    Quotas,
    count_rural_residents,
    group_shares,
    is_oversampled,
    largest_remainders,
    plan_margins,
    plan_quotas,
)
from survey.frame.sample_size import PrecisionTarget, SampleSizes, compute_sample, evaluate_sample
from survey.locale import RefusedError, msg
from survey.locale.figures import format_quantity


@dataclass(frozen=True)
class ListedPoint:
    """A sampling point on a list to draw from; a `target` of None is set by the plan."""

    code: str
    city_code: str
    name: str
    kind: str
    stratum: str
    target: int | None = None
    opens_on: date | None = None
    closes_on: date | None = None


@dataclass(frozen=True)
class ListShortage:
    """A city's stratum whose list has fewer points than were requested."""

    city_code: str
    stratum: str
    requested: int
    listed: int


@dataclass(frozen=True)
class PointDrawResult:
    """Drawn points with their targets, sorted by code, and the shortages of their lists."""

    points: tuple[ListedPoint, ...]
    shortages: tuple[ListShortage, ...]


PlannedInterviews = Mapping[str, Mapping[str, int]]
"""City code -> stratum -> how many interviews are planned there."""


def canonical_csv(points: Iterable[ListedPoint]) -> bytes:
    """Return the list as CSV sorted by code, so that equal lists give equal bytes."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    for point in sorted(points, key=lambda listed_point: listed_point.code):
        writer.writerow(["" if value is None else str(value) for value in vars(point).values()])
    return buffer.getvalue().encode()


def list_sha256(points: Iterable[ListedPoint]) -> str:
    """Return the SHA-256 of the canonical CSV of a list."""
    return hashlib.sha256(canonical_csv(points)).hexdigest()


def draw_sampling_points(
    points: Sequence[ListedPoint], interviews: PlannedInterviews, *, per_city: int, seed: int
) -> PointDrawResult:
    """Draw `per_city` points of each city in `interviews` (city -> stratum -> interviews planned).

    A city's points are divided over its strata in proportion to its interviews, at least one for
    each stratum with interviews. Interviews planned for a stratum without any listed point go to
    the other one, and the shortage is reported. A point with a target of its own keeps it.
    """
    listed: defaultdict[tuple[str, str], list[ListedPoint]] = defaultdict(list)
    for point in points:
        listed[point.city_code, point.stratum].append(point)
    drawn: list[ListedPoint] = []
    shortages: list[ListShortage] = []
    for city, planned in interviews.items():
        chosen: dict[str, list[ListedPoint]] = {}
        for stratum, number in _allocate_points(planned, per_city).items():
            here = listed[city, stratum]
            chosen[stratum] = _draw_by_kind(here, min(number, len(here)), seed)
            if number > len(here):
                shortages.append(ListShortage(city, stratum, number, len(here)))
        drawn += _assign_targets(chosen, planned)
    return PointDrawResult(
        tuple(sorted(drawn, key=lambda listed_point: listed_point.code)), tuple(shortages)
    )


def draw_by_kind(
    points: Sequence[ListedPoint], *, per_kind: int, seed: int
) -> tuple[ListedPoint, ...]:
    """Draw `per_kind` points of each kind (or all, if fewer) in each city, the same per `seed`."""
    listed: defaultdict[tuple[str, str], list[ListedPoint]] = defaultdict(list)
    for point in points:
        listed[point.city_code, point.kind].append(point)
    drawn = [point for here in listed.values() for point in _draw_first(here, per_kind, seed)]
    return tuple(sorted(drawn, key=lambda listed_point: listed_point.code))


def draw_point_share(
    points: Iterable[tuple[str, str, str]], share: float, seed: int | str
) -> frozenset[str]:
    """Return the codes of a `share` of `points` (city, stratum, code) of each city, by chance.

    Systematic: points of a city in the order of stratum and key, from a start by chance, so that
    each has the same chance and strata have their part.
    """
    by_city: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for city, stratum, code in points:
        by_city[city].append((stratum, code))
    drawn = set()
    for city, here in by_city.items():
        start = int(draw_key(city, seed)[:12], 16) / 16**12
        here.sort(key=lambda point: (point[0], draw_key(point[1], seed)))
        drawn |= {
            code
            for place, (_, code) in enumerate(here)
            if floor((place + 1) * share + start) > floor(place * share + start)
        }
    return frozenset(drawn)


def draw_key(code: str, seed: int | str) -> str:
    """Return the pseudo-random sort key of a point; the points with the smallest keys are drawn."""
    return hashlib.sha256(f"{seed}:{code}".encode()).hexdigest()


def _draw_first(points: Iterable[ListedPoint], number: int, seed: int) -> list[ListedPoint]:
    return sorted(points, key=lambda point: draw_key(point.code, seed))[:number]


def _allocate_points(planned: Mapping[str, int], per_city: int) -> dict[str, int]:
    with_interviews = [stratum for stratum in STRATA if planned.get(stratum, 0) > 0]
    if not with_interviews:
        return {}
    sizes = np.array([planned[stratum] for stratum in with_interviews], dtype=np.float64)
    spare = max(per_city, len(with_interviews)) - len(with_interviews)
    more = largest_remainders(spare * sizes / sizes.sum(), spare)
    return {name: 1 + int(extra) for name, extra in zip(with_interviews, more, strict=True)}


def _draw_by_kind(points: Sequence[ListedPoint], number: int, seed: int) -> list[ListedPoint]:
    """Draw `number` points, their kinds in the proportions of `points`, the same per `seed`."""
    if not points:
        return []
    kinds = Counter(point.kind for point in points)
    names = sorted(kinds)
    exact = np.array([number * kinds[name] / len(points) for name in names])
    chosen: list[ListedPoint] = []
    for name, take in zip(names, largest_remainders(exact, number), strict=True):
        chosen += _draw_first([point for point in points if point.kind == name], int(take), seed)
    return chosen


def _assign_targets(
    chosen: Mapping[str, Sequence[ListedPoint]], planned: Mapping[str, int]
) -> list[ListedPoint]:
    """Return the `chosen` points with targets; a stratum without points gives its to the others."""
    unplaced = sum(count for stratum, count in planned.items() if not chosen.get(stratum))
    filled = [stratum for stratum in chosen if chosen[stratum]]
    if not filled:
        return []
    sizes = np.array([planned[stratum] for stratum in filled], dtype=np.float64)
    moved = largest_remainders(unplaced * sizes / sizes.sum(), unplaced)
    result: list[ListedPoint] = []
    for stratum, extra in zip(filled, moved, strict=True):
        result += _share_interviews(chosen[stratum], planned[stratum] + int(extra))
    return result


def _share_interviews(points: Sequence[ListedPoint], interviews: int) -> list[ListedPoint]:
    ordered = sorted(points, key=lambda listed_point: listed_point.code)
    without_target = [point for point in ordered if point.target is None]
    left = max(interviews - sum(point.target or 0 for point in ordered), len(without_target))
    if not without_target:
        return ordered
    each = np.full(len(without_target), left / len(without_target))
    targets = dict(
        zip((point.code for point in without_target), largest_remainders(each, left), strict=True)
    )
    return [
        point if point.target is not None else replace(point, target=int(targets[point.code]))
        for point in ordered
    ]


MAX_OVERSAMPLING = 10.0
MAX_RESERVE = 1.0


@dataclass(frozen=True, eq=False)
class PlanRequest:
    """Planner's precision, oversampling, quota type and reserve, from which a plan is computed."""

    aim: PrecisionTarget = field(default_factory=PrecisionTarget)
    elderly: float = 1.0
    guardian: float = 1.0
    crossed: bool = True
    reserve: float = 0.1
    size: pd.Series | None = None
    """Interviews by city code where they were set by hand; None: computed from the aim."""
    guardian_share: pd.Series | None = None
    """Guardians among each city's population where the association knows better."""
    cities: tuple[str, ...] | None = None
    """Codes of the cities of the wave where not all are in it; those with a `size` otherwise."""

    def __post_init__(self) -> None:
        factors = (self.elderly, self.guardian)
        if not all(1 <= factor <= MAX_OVERSAMPLING for factor in factors):
            raise RefusedError(
                "sample_plan",
                msg(
                    "A group can be asked 1 to {most} times as often.", most=f"{MAX_OVERSAMPLING:g}"
                ),
            )
        if self.cities is not None and not self.cities:
            raise RefusedError("sample_plan", msg("Please choose at least one city."))
        if not 0 <= self.reserve <= MAX_RESERVE:
            raise RefusedError("sample_plan", msg("The reserve must lie between 0 and 100%."))

    def oversampling_factors(self, series: str) -> dict[str, float]:
        """Return group -> factor. Raises `RefusedError` where the series has no such group."""
        boosts = Oversampling(self.elderly, self.guardian).boosts
        if boosts and series in {"elderly", "minors", VILLAGE_SERIES}:
            raise RefusedError(
                "sample_plan", msg("Only the main study can ask a special group more often.")
            )
        return boosts


@dataclass(frozen=True, eq=False)
class SamplingPlan:
    """Request of a sampling plan, and the sizes, precision and quotas computed from it."""

    request: PlanRequest
    sample: SampleSizes
    quotas: Quotas
    guardian_share: pd.Series | None
    """By city code; None where guardians are asked as often as anybody."""


def build_sampling_plan(
    cities: Sequence[FrameCity], series: str, request: PlanRequest
) -> SamplingPlan:
    """Return the plan of a request: sizes, precision and quotas of every city.

    Raises:
        RefusedError: the aim, the budget or the sizes do not fit together.
    """
    boosts = request.oversampling_factors(series)
    if request.size is not None:
        cities = [city for city in cities if city.code in request.size.index]
    elif request.cities is not None:
        cities = [city for city in cities if city.code in request.cities]
    shares = group_shares(cities, series)
    if request.guardian_share is not None and GUARDIAN in shares:
        given = request.guardian_share.reindex(shares[GUARDIAN].index)
        shares[GUARDIAN] = given.fillna(shares[GUARDIAN])
    sample = _build_sample(cities, series, request, shares, boosts)
    guardians = shares[GUARDIAN] if is_oversampled(boosts, GUARDIAN) else None
    known = {str(code): float(share) for code, share in shares.get(GUARDIAN, {}).items()}
    quotas = plan_quotas(
        cities,
        series,
        sample.cities["size"],
        oversampling=Oversampling(request.elderly, request.guardian, known),
        crossed=request.crossed,
        reserve=request.reserve,
    )
    return SamplingPlan(request, sample, quotas, guardians)


def _build_sample(
    cities: Sequence[FrameCity],
    series: str,
    request: PlanRequest,
    shares: Mapping[str, pd.Series],
    boosts: Mapping[str, float],
) -> SampleSizes:
    if request.size is not None:
        sample = evaluate_sample(request.size, request.aim, shares=shares, boosts=boosts)
        limit = request.aim.budget
        if limit is not None and sample.cost > limit:
            raise RefusedError(
                "sample_plan",
                msg(
                    "{total} interviews cost {cost} yuan, more than the budget of {budget}.",
                    total=sample.total,
                    cost=format_quantity(sample.cost),
                    budget=format_quantity(limit),
                ),
            )
        return sample
    people = plan_margins(cities, series, {}).city_totals()
    if series == VILLAGE_SERIES:
        people = count_rural_residents(people, cities)
    return compute_sample(people, request.aim, shares=shares, boosts=boosts)
