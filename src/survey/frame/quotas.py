"""Allocation of interviews to cities and quota cells, with the study's special groups.

The survey asks for an error of at most 5 points at 95 % in every city: 384 interviews if they were
a simple random sample, times the planning design effect of 1.4, is **538, the floor**. The total is
shared in proportion to population; cities that would fall below the floor are raised to it and the
rest is shared again among the others, until none is below:

    n_c = max(floor, (total - floor x raised cities) x N_c / population of the others)

rounded by largest remainders, so that the sum is exactly the total.

A city's size is divided over age band x gender in proportion to population; where people of 60 and
over are asked `factor` times as often, their population counts `factor` times. The cells of a city
add up to its size; the reserve of the city is rounded up once and divided in the same way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlmodel import Session, select

from survey.frame.city_frame import FrameCity
from survey.frame.population_margins import (
    ELDERLY_BANDS,
    MAIN_BANDS,
    SPLIT_BANDS,
    AgeStructure,
    PopulationMargins,
    build_age_structure,
    elderly_margins,
    main_margins,
    minors_margins,
)
from survey.locale import RefusedError, msg
from survey.store.tables import CityTarget, WavePlan

EVERYONE = "all"
ELDERLY, GUARDIAN, RURAL = "elderly=yes", "guardian=yes", "residence=rural"
LOW_INCOME = "income=lt3000"
URBAN = "residence=urban"
VILLAGE_CONSUMER, VILLAGE_TRADER = "village_role=consumer", "village_role=trader"
"""The two kinds of respondents of a study of villages, who rate the same indicators."""
VILLAGE_ROLE = "village_role"
VILLAGE_ROLES = ("consumer", "trader")
"""The question that tells in which capacity a villager answers, and its two answers."""
VILLAGE_TRADER_SHARE = 0.28
"""Assumed: traders among the interviews of a study of villages, as nobody counted them. A village
with fifteen interviews then asks four of its few shops and stalls."""
VILLAGE_SERIES = "rural"
"""Studies of villages: a city counts with its rural residents, and its points are villages. Nothing
is raked and no age or gender is a quota, as nobody counted the traders of villages; the two roles
are."""
SPECIAL_GROUPS = (ELDERLY, GUARDIAN, RURAL, LOW_INCOME)
"""Groups of the main study that are compared between waves and modelled by city."""
GUARDIAN_BY_AGE: Mapping[str, float] = {
    "15-24": 0.05, "25-34": 0.50, "35-44": 0.78, "45-54": 0.40, "55-59": 0.10, "60-70": 0.07,
}  # fmt: skip
"""Assumed: guardians of a child under 18 among people of that age."""
ELDERLY_BAND = "60-70"


def group_shares(cities: Sequence[FrameCity], series: str) -> dict[str, pd.Series]:
    """Return special group of the series -> its share (0 to 1) of each city's population."""
    if series == VILLAGE_SERIES:
        return {}
    rural = _compute_rural_share(cities)
    if series == "minors":
        people = minors_margins(cities).table.pivot_table(
            index="city_code", columns="school_stage", values="population", sort=False
        )
        whole = people.sum(axis=1)
        return {**{f"school_stage={name}": people[name] / whole for name in people}, RURAL: rural}
    ages = build_age_structure(cities)
    if series == "elderly":
        whole = _count_people(ages, (60, 200))
        parts = {
            f"age_band={band}": _count_people(ages, limits) / whole
            for band, limits in ELDERLY_BANDS.items()
        }
        return {**parts, RURAL: rural}
    by_band = {band: _count_people(ages, limits) for band, limits in SPLIT_BANDS.items()}
    whole = pd.DataFrame(by_band).sum(axis=1)
    guardians = sum(by_band[band] * share for band, share in GUARDIAN_BY_AGE.items())
    return {ELDERLY: by_band[ELDERLY_BAND] / whole, GUARDIAN: guardians / whole, RURAL: rural}


def count_rural_residents(people: pd.Series, cities: Sequence[FrameCity]) -> pd.Series:
    """Return the rural part of `people` (counts by city code), again as counts by city code."""
    return people * _compute_rural_share(cities).reindex(people.index)


def sample_share(share: pd.Series, factor: float) -> pd.Series:
    """Return the sample share of a group (`share` of people) asked `factor` times as often."""
    return factor * share / (factor * share + 1 - share)


def weighting_design_effect(share: pd.Series, factor: float) -> pd.Series:
    """Return Kish's 1 + CV^2 of weights for a group (`share` of people) oversampled by `factor`."""
    asked = sample_share(share, factor)
    inside = (share**2 / asked).where(share > 0, 0.0)
    variance_outside = ((1 - share) ** 2 / (1 - asked)).where(share < 1, 0.0)
    return inside + variance_outside


def _count_people(ages: AgeStructure, limits: tuple[int, int]) -> pd.Series:
    return pd.Series(ages.between(*limits).sum(axis=1), index=list(ages.codes))


@dataclass(frozen=True)
class Oversampling:
    """Factors by which people of 60 and over, and guardians, were asked more often."""

    elderly: float = 1.0
    guardian: float = 1.0
    guardian_share: Mapping[str, float] | None = None
    """Guardians among the population of each city, as planned; by city code."""

    @property
    def boosts(self) -> dict[str, float]:
        """Group -> factor, of the oversampled groups."""
        factors = {ELDERLY: self.elderly, GUARDIAN: self.guardian}
        return {group: factor for group, factor in factors.items() if factor > 1}


def oversampling_of(*, session: Session, wave_id: UUID) -> Oversampling | None:
    """Return the oversampling of a wave's plan; None where everybody was asked equally often."""
    plan = session.get(WavePlan, wave_id)
    if plan is None or max(plan.elderly_factor, plan.guardian_factor) <= 1:
        return None
    targets = session.exec(select(CityTarget).where(CityTarget.wave_id == wave_id))
    shares = {
        row.city_code: row.guardian_share for row in targets if row.guardian_share is not None
    }
    return Oversampling(plan.elderly_factor, plan.guardian_factor, shares or None)


SIMPLE_RANDOM_N = 384
PLANNED_DEFF = 1.4
FLOOR = ceil(SIMPLE_RANDOM_N * PLANNED_DEFF)
TOTAL = 62_000


def allocate(population: pd.Series, *, total: int = TOTAL, floor: int = FLOOR) -> pd.Series:
    """Divide `total` interviews over cities in proportion to population, at least `floor` each."""
    if total < floor * len(population):
        raise RefusedError(
            "allocation",
            msg(
                "{total} interviews cannot give {cities} cities {floor} each.",
                total=total,
                cities=len(population),
                floor=floor,
            ),
        )
    exact = _raise_to_floor(population.to_numpy(dtype=np.float64), total, floor)
    return pd.Series(largest_remainders(exact, total), index=population.index, name="size")


def quota_targets(
    margins: PopulationMargins, size: pd.Series, *, reserve: float = 0.0
) -> pd.DataFrame:
    """Return cells of `margins` with targets that add up to `size` (by city) plus the reserve.

    Within a city the targets follow the population and add up to the city's size.

    Args:
        reserve: Share by which a city's targets are increased together, rounded up once, for what
            review takes away: rounded up cell by cell a small city would get half as many again.
    """
    pieces = []
    for code, cells in margins.table.groupby("city_code", sort=False):
        wanted = int(size.loc[code])
        people = cells["population"].to_numpy(dtype=np.float64)
        share = people / people.sum()
        target = largest_remainders(wanted * share, wanted)
        added = _add_reserve(wanted, reserve) - wanted
        target = target + largest_remainders(added * share, added)
        pieces.append(cells.drop(columns="population").assign(target=target))
    return pd.concat(pieces, ignore_index=True)


def largest_remainders(exact: npt.NDArray[np.float64], total: int) -> npt.NDArray[np.int64]:
    """Return `exact` rounded to whole numbers that add up to `total`; ties go to the first."""
    whole = np.floor(exact + 1e-9).astype(np.int64)
    left = total - int(whole.sum())
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[:left]] += 1
    return whole


def _raise_to_floor(
    people: npt.NDArray[np.float64], total: int, floor: int
) -> npt.NDArray[np.float64]:
    """Return fractional sizes in proportion to population, small cities raised to the floor."""
    fixed = np.zeros(len(people), dtype=bool)
    while True:
        free = total - floor * int(fixed.sum())
        share = np.where(fixed, 0.0, people)
        exact = np.where(fixed, float(floor), free * share / max(share.sum(), 1.0))
        below = ~fixed & (exact < floor)
        if not below.any():
            return exact
        fixed |= below


CELL_COLUMNS = ("city_code", "age_band", "gender", "target")
MARGIN_COLUMNS = ("city_code", "dimension", "category", "target")
STRATA = ("urban", "rural")


@dataclass(frozen=True, eq=False)
class Quotas:
    """Quota cells (`CELL_COLUMNS`) and marginal quotas (`MARGIN_COLUMNS`), with the reserve."""

    cells: pd.DataFrame
    margins: pd.DataFrame


def plan_margins(
    cities: Sequence[FrameCity], series: str, boosts: Mapping[str, float]
) -> PopulationMargins:
    """Return a series' population by cell for quotas and weights; `boosts`: oversampled groups.

    Where people of 60 and over are asked more often, 55-70 is cut in two: within one band the
    weights could not undo it.
    """
    if series == "elderly":
        return elderly_margins(cities)
    if series == "minors":
        return minors_margins(cities)
    return main_margins(cities, SPLIT_BANDS if is_oversampled(boosts, ELDERLY) else MAIN_BANDS)


def is_oversampled(boosts: Mapping[str, float], group: str) -> bool:
    """Return whether `boosts` (group -> factor) ask the group more often than others."""
    return boosts.get(group, 1.0) > 1.0


def plan_quotas(
    cities: Sequence[FrameCity],
    series: str,
    size: pd.Series,
    *,
    oversampling: Oversampling = Oversampling(),
    crossed: bool = True,
    reserve: float = 0.0,
) -> Quotas:
    """Compute quotas of `size` interviews by city and `reserve`, age and gender `crossed` or apart.

    Args:
        oversampling: With the share of guardians where they are asked more often.
        crossed: False adds the margins of age and of gender, which then are the quotas; the cells
            stay as what is expected, so that interviews can be counted in them.
    """
    asked = [city for city in cities if city.code in size.index]
    boosts, guardian_share = oversampling.boosts, oversampling.guardian_share
    margins = plan_margins(asked, series, boosts)
    targets = quota_targets(_oversample_margins(margins, boosts), size, reserve=reserve)
    planned = size.map(lambda wanted: _add_reserve(int(wanted), reserve))
    rural = _compute_rural_share(asked).reindex(size.index)
    if series == VILLAGE_SERIES:
        rural = pd.Series(1.0, index=size.index)
    parts = [_split_targets(planned, "stratum", STRATA, rural)]
    if series == VILLAGE_SERIES:
        traders = pd.Series(VILLAGE_TRADER_SHARE, index=size.index)
        parts.append(_split_targets(planned, VILLAGE_ROLE, VILLAGE_ROLES, traders))
        return Quotas(pd.DataFrame(columns=list(CELL_COLUMNS)), pd.concat(parts, ignore_index=True))
    if is_oversampled(boosts, GUARDIAN) and guardian_share is not None:
        share = sample_share(pd.Series(guardian_share).reindex(size.index), boosts[GUARDIAN])
        parts.append(_split_targets(planned, "guardian", ("no", "yes"), share))
    if margins.cells != ("age_band", "gender"):
        parts.append(_sum_by_dimension(targets, margins.cells[0]))
        return Quotas(pd.DataFrame(columns=list(CELL_COLUMNS)), pd.concat(parts, ignore_index=True))
    if not crossed:
        parts += [_sum_by_dimension(targets, name) for name in margins.cells]
    return Quotas(targets[list(CELL_COLUMNS)], pd.concat(parts, ignore_index=True))


def _oversample_margins(
    margins: PopulationMargins, boosts: Mapping[str, float]
) -> PopulationMargins:
    if not is_oversampled(boosts, ELDERLY) or "age_band" not in margins.cells:
        return margins
    factor = np.where(margins.table["age_band"] == ELDERLY_BAND, boosts[ELDERLY], 1.0)
    table = margins.table.assign(population=margins.table["population"] * factor)
    return PopulationMargins(table, margins.cells, margins.source, margins.year, margins.status)


def _add_reserve(wanted: int, reserve: float) -> int:
    return ceil(wanted * (1 + reserve) - 1e-9)


def _compute_rural_share(cities: Sequence[FrameCity]) -> pd.Series:
    return pd.Series({city.code: 1 - city.urbanization_rate for city in cities})


def _split_targets(
    planned: pd.Series, dimension: str, names: tuple[str, str], second: pd.Series
) -> pd.DataFrame:
    """Return `planned` by city split between the two `names`; `second`: the second's share."""
    rows = []
    for code, wanted in planned.items():
        share = float(second.loc[str(code)])
        divided = largest_remainders(wanted * np.array([1 - share, share]), int(wanted))
        rows += [
            (code, dimension, name, int(target))
            for name, target in zip(names, divided, strict=True)
        ]
    return pd.DataFrame(rows, columns=list(MARGIN_COLUMNS))


def _sum_by_dimension(targets: pd.DataFrame, dimension: str) -> pd.DataFrame:
    summed = targets.groupby(["city_code", dimension], sort=False)["target"].sum().reset_index()
    named = summed.rename(columns={dimension: "category"}).assign(dimension=dimension)
    return named[list(MARGIN_COLUMNS)]
