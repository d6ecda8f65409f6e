"""Special groups known before interviewing, their oversampling in a wave, and what it costs.

Shares are of the population that a series asks: 15-70 for the main study, 60 and over, or under 18.
Ages and the rural share come from the census. **The share of guardians does not**: the census
counts no guardians of a child under 18, so it is the assumed share at each age (`GUARDIAN_BY_AGE`)
times the city's own ages. An association that knows better enters its own share with the plan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import pandas as pd
from sqlmodel import Session, select

from survey.sample.city_frame import FrameCity
from survey.sample.population_margins import (
    ELDERLY_BANDS,
    SPLIT_BANDS,
    AgeStructure,
    PopulationMargins,
    build_age_structure,
    minors_margins,
)
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
    """Return group -> its share (0 to 1) of each city's population, by city code."""
    if series == VILLAGE_SERIES:
        return {}
    rural = _compute_rural_share(cities)
    if series == "minors":
        return {**_compute_group_shares(minors_margins(cities)), RURAL: rural}
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


def _compute_rural_share(cities: Sequence[FrameCity]) -> pd.Series:
    return pd.Series({city.code: 1 - city.urbanization_rate for city in cities})


def count_rural_residents(people: pd.Series, cities: Sequence[FrameCity]) -> pd.Series:
    """Return the part of the people of each city, by its code, that lives in the countryside."""
    return people * _compute_rural_share(cities).reindex(people.index)


def sample_share(share: pd.Series, factor: float) -> pd.Series:
    """Return the sample share of a group that is asked `factor` times as often."""
    return factor * share / (factor * share + 1 - share)


def weighting_design_effect(share: pd.Series, factor: float) -> pd.Series:
    """Return Kish's 1 + CV^2 of the weights that undo oversampling of a group."""
    asked = sample_share(share, factor)
    inside = (share**2 / asked).where(share > 0, 0.0)
    variance_outside = ((1 - share) ** 2 / (1 - asked)).where(share < 1, 0.0)
    return inside + variance_outside


def _count_people(ages: AgeStructure, limits: tuple[int, int]) -> pd.Series:
    return pd.Series(ages.between(*limits).sum(axis=1), index=list(ages.codes))


def _compute_group_shares(margins: PopulationMargins) -> dict[str, pd.Series]:
    people = margins.table.pivot_table(
        index="city_code", columns=margins.cells[0], values="population", sort=False
    )
    whole = people.sum(axis=1)
    return {f"{margins.cells[0]}={value}": people[value] / whole for value in people}


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
