"""True composite score of every city and year: published where it is known, plausible elsewhere.

A bounded least-squares problem a year. What is published about a city is a bound (its score, or the
ranks and scores around it); what is published about the nation, the regions, the size tiers and
provinces is a heavily weighted row; everything else pulls lightly towards a prior made of region,
size tier and a lasting character of the city.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq, lsq_linear

from seed.demo.random_streams import random_stream
from survey.estimate.tree import COMPOSITE
from survey.figures.published_figures import (
    MEAN_OF_CITIES,
    PublishedResult,
    published_results,
    published_waves,
)
from survey.frame.city_frame import FrameCity, shipped_cities
from survey.frame.population_margins import main_margins
from survey.frame.quotas import EVERYONE

Floats = npt.NDArray[np.float64]

YEARS = (2021, 2022, 2023, 2024)
_LOWEST = {2021: 70.0, 2022: 70.19, 2023: 71.72, 2024: 67.5}
_HIGHEST = {2021: 89.5, 2022: 91.81, 2023: 93.08, 2024: 91.65}
_TOP_OF_2021 = 88.6
"""Score assumed for the first city of 2021, whose rank alone was published."""
_STEP_BELOW = 0.55
"""From rank to rank below the last known score of a top ten."""
_MIN_ANCHOR_GAP = 0.12
"""Kept between a city and an anchor it may not pass."""
_TIER = {"mega": 4.6, "super": 2.2, "large": -1.6, "medium_small": -4.2}
_REGION = {"东部": 1.6, "中部": -1.0, "西部": -1.6}
_CHARACTER_SD = 1.5
_YEARLY_SD = 0.5
_PULL = 0.4
_YEARLY_PERSISTENCE = 0.85
"""Share of a known deviation that is expected to last into other years."""
_ROW_WEIGHT = 60.0
NOT_COMPARABLE = frozenset({"retail_tier"})
"""Area levels that our frame cannot reproduce: the retail sales of most cities are unknown."""


@dataclass(frozen=True)
class KnownRank:
    """A city whose rank is known; the score may have been interpolated between neighbours."""

    city: int
    rank: int
    score: float


@lru_cache(maxsize=8)
def city_scores(year: int) -> Floats:
    """Target composite of each shipped city, in the order of the frame.

    Solved twice: the first solution, free between the extremes, gives the order of the cities; the
    second starts from a smooth curve of score over rank and keeps every city at its place.
    """
    cities = shipped_cities()
    share = main_margins(cities).city_totals().reindex([c.code for c in cities]).to_numpy()
    share = share / share.sum()
    anchors = _list_anchors(year, cities)
    groups = _build_group_equations(year, cities, share)
    size = np.sqrt(share * len(cities))
    prior, pull = _compute_prior(year, cities)
    free = _solve(
        prior,
        pull * size,
        groups,
        _fix_anchors(anchors, _LOWEST[year], _HIGHEST[year], len(cities)),
    )
    order = _order_cities(free, anchors)
    curve = _fit_curve(year, order, anchors, share)
    return _solve(curve, size, groups, _compute_bounds(year, order, anchors))


def _solve(
    prior: Floats, pull: Floats, groups: tuple[Floats, Floats], bounds: tuple[Floats, Floats]
) -> Floats:
    rows, wanted = groups
    design = np.vstack([np.diag(pull), rows])
    lower, upper = bounds
    start = prior * pull
    solution = lsq_linear(
        design, np.concatenate([start, wanted]), bounds=(lower, upper + 1e-9), tol=1e-13
    )
    solved: Floats = solution.x
    return solved


def national_score(year: int, indicator: str = COMPOSITE) -> float:
    """The published national score."""
    (score,) = (
        result.score
        for result in published_results()
        if (result.year, result.area_level, result.group, result.indicator)
        == (year, "nation", EVERYONE, indicator)
    )
    if score is None:
        raise ValueError(f"no national score of {indicator} in {year}")
    return score


def _compute_prior(year: int, cities: tuple[FrameCity, ...]) -> tuple[Floats, Floats]:
    """Return where each city would stand, and how firmly: more so where other years are known."""
    structure = np.array([_TIER[c.size_tier.value] + _REGION[c.region3] for c in cities])
    known = _compute_known_character(cities, structure)
    character = random_stream("city-character").normal(0, _CHARACTER_SD, len(cities))
    character = np.where(np.isnan(known), character, known)
    yearly = random_stream("city-year", year).normal(0, _YEARLY_SD, len(cities))
    prior: Floats = national_score(year) + structure + character + yearly
    return prior, np.where(np.isnan(known), _PULL, _PULL * 3)


def _compute_known_character(cities: tuple[FrameCity, ...], structure: Floats) -> Floats:
    """Return what is published of a city beyond its region and tier; NaN where nothing is."""
    place = {city.code: i for i, city in enumerate(cities)}
    known: dict[int, list[float]] = {}
    for result in published_results():
        if result.area_level == "city" and result.score is not None and result.year >= YEARS[0]:
            city = place[result.area]
            gap = result.score - national_score(result.year) - structure[city]
            known.setdefault(city, []).append(gap)
    character = np.full(len(cities), np.nan)
    for city, gaps in known.items():
        character[city] = float(np.mean(gaps)) * _YEARLY_PERSISTENCE
    return character


def _list_anchors(year: int, cities: tuple[FrameCity, ...]) -> tuple[KnownRank, ...]:
    """Return the cities with a published rank, best first; missing scores are interpolated."""
    place = {city.code: i for i, city in enumerate(cities)}
    ranked = sorted(
        (result.rank, place[result.area], result.score)
        for result in _results_of_year(year, "city")
        if result.rank is not None
    )
    if not ranked:
        return ()
    ranks = np.array([rank for rank, _, _ in ranked], dtype=np.float64)
    scores = np.array([np.nan if score is None else score for _, _, score in ranked])
    if np.isnan(scores[0]):
        scores[0] = _TOP_OF_2021
    known = ~np.isnan(scores)
    filled = np.interp(ranks, ranks[known], scores[known])
    after = ranks - ranks[known][-1]
    filled = np.where(after > 0, scores[known][-1] - _STEP_BELOW * after, filled)
    return tuple(
        KnownRank(city, rank, float(score))
        for (rank, city, _), score in zip(ranked, filled, strict=True)
    )


def _fix_anchors(
    anchors: tuple[KnownRank, ...], lowest: float, highest: float, cities: int
) -> tuple[Floats, Floats]:
    lower, upper = np.full(cities, lowest), np.full(cities, highest)
    for anchor in anchors:
        lower[anchor.city] = upper[anchor.city] = anchor.score
    return lower, upper


def _fit_curve(
    year: int, order: list[int], anchors: tuple[KnownRank, ...], share: Floats
) -> Floats:
    """Return the score by rank, through the anchors, the national score and the extremes.

    Between two of those points it bends by one exponent for the whole year, found so that the
    nation comes out right without any city leaving its place.
    """
    above, nation = _count_above_national(year), national_score(year)
    points = {
        1: _HIGHEST[year],
        above: nation + 2 * _MIN_ANCHOR_GAP,
        above + 1: nation - _MIN_ANCHOR_GAP,
    }
    points |= {len(order): _LOWEST[year]} | {anchor.rank: anchor.score for anchor in anchors}
    ranks = np.array(sorted(points))
    scores = np.array([points[rank] for rank in ranks])

    def bent(exponent: float) -> Floats:
        place = np.arange(1, len(order) + 1)
        left = np.clip(np.searchsorted(ranks, place, side="right") - 1, 0, len(ranks) - 2)
        way = (place - ranks[left]) / (ranks[left + 1] - ranks[left])
        curve = np.empty(len(order))
        curve[order] = scores[left] + (scores[left + 1] - scores[left]) * way**exponent
        return curve

    def misfit(exponent: float) -> float:
        return float(share @ bent(exponent) - nation)

    flattest, steepest = 0.2, 5.0
    if misfit(flattest) * misfit(steepest) > 0:
        return bent(min((flattest, steepest), key=lambda exponent: abs(misfit(exponent))))
    return bent(brentq(misfit, flattest, steepest))


def _compute_bounds(
    year: int, order: list[int], anchors: tuple[KnownRank, ...]
) -> tuple[Floats, Floats]:
    """Return bounds between the anchors of the rank and on its side of the national score."""
    last = len(order)
    ranks = [0, *(anchor.rank for anchor in anchors), last + 1]
    scores = [
        _HIGHEST[year] + _MIN_ANCHOR_GAP,
        *(a.score for a in anchors),
        _LOWEST[year] - _MIN_ANCHOR_GAP,
    ]
    place = np.arange(1, last + 1)
    above = place <= _count_above_national(year)
    nation = national_score(year)
    upper, lower = np.empty(last), np.empty(last)
    better = np.array(scores)[np.searchsorted(ranks, place, side="left") - 1] - _MIN_ANCHOR_GAP
    worse = np.array(scores)[np.searchsorted(ranks, place, side="right")] + _MIN_ANCHOR_GAP
    upper[order] = np.where(above, better, np.minimum(better, nation - _MIN_ANCHOR_GAP / 2))
    lower[order] = np.where(above, np.maximum(worse, nation + 2 * _MIN_ANCHOR_GAP), worse)
    for anchor in anchors:
        lower[anchor.city] = upper[anchor.city] = anchor.score
    return np.minimum(lower, upper), upper


def _order_cities(prior: Floats, anchors: tuple[KnownRank, ...]) -> list[int]:
    """Return cities from best to worst: anchors at their ranks, the others by prior in between."""
    at = {anchor.rank: anchor.city for anchor in anchors}
    fixed = set(at.values())
    others = iter([int(city) for city in np.argsort(-prior) if int(city) not in fixed])
    return [at[rank] if rank in at else next(others) for rank in range(1, len(prior) + 1)]


def _count_above_national(year: int) -> int:
    (count,) = (wave.above_national for wave in published_waves() if wave.year == year)
    return count or 36


def _build_group_equations(
    year: int, cities: tuple[FrameCity, ...], share: Floats
) -> tuple[Floats, Floats]:
    """Return weighted rows and right-hand sides for what is published about groups of cities."""
    rows, wanted = [share * _ROW_WEIGHT * 1.4], [national_score(year) * _ROW_WEIGHT * 1.4]
    for result in _results_of_year(year):
        inside = members(result, cities)
        if result.score is None or inside is None:
            continue
        if result.statistic == MEAN_OF_CITIES:
            row, weight = inside / inside.sum(), 1.0
        else:
            weight = float(np.sqrt((share * inside).sum()))
            row = share * inside / (share * inside).sum()
        rows.append(row * weight * _ROW_WEIGHT)
        wanted.append(result.score * weight * _ROW_WEIGHT)
    return np.array(rows), np.array(wanted)


def members(result: PublishedResult, cities: tuple[FrameCity, ...]) -> Floats | None:
    """1 for each city that a figure about a group of cities covers; None for other figures."""
    if result.group != EVERYONE or result.indicator != COMPOSITE:
        return None
    groups = {
        "region3": lambda city: city.region3,
        "size_tier": lambda city: city.size_tier.value,
        "province": lambda city: city.province_code,
    }
    group = groups.get(result.area_level)
    if group is None:
        return None
    return np.array([group(city) == result.area for city in cities], dtype=np.float64)


def _results_of_year(year: int, level: str | None = None) -> list[PublishedResult]:
    return [
        result
        for result in published_results()
        if result.year == year and level in {None, result.area_level}
    ]
