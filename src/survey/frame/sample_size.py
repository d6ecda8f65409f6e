"""Sample sizes, their cost and the precision that follows from them.

For a share of one half, the worst case, a simple random sample of n gives a half-width of
z * 0.5 / sqrt(n); clustering and weighting multiply the variance by the design effect. Hence

    floor = ceil(deff * z^2 / (4 * margin^2))    half-width of n = z * sqrt(deff / (4 * n))

with z the normal quantile of the level. 5 points, 95 % and a design effect of 1.4 give 538.

A group that is asked more often than others gets more interviews, and the weights that bring it
back to its share cost the whole city some of its own: n counts as n / (1 + CV^2) there (Kish). The
effects of two such groups are multiplied, as if belonging to one told nothing about the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, floor, sqrt

import numpy as np
import pandas as pd
from scipy.special import ndtri

from survey.frame.quotas import PLANNED_DEFF, TOTAL, allocate, sample_share, weighting_design_effect
from survey.locale import RefusedError, msg

PER_CENT = 100.0


class AllocationRule(StrEnum):
    """Rule that divides the interviews beyond each city's minimum over the cities."""

    PROPORTIONAL = "proportional"
    SQUARE_ROOT = "square_root"
    EQUAL = "equal"


@dataclass(frozen=True)
class PrecisionTarget:
    """Margin of error requested for every city, and the number of interviews available."""

    margin: float = 5.0
    """Half-width in percentage points, for a share of 50 %, in every city."""
    level: float = 0.95
    deff: float = PLANNED_DEFF
    rule: AllocationRule = AllocationRule.PROPORTIONAL
    total: int = TOTAL
    price: float = 0.0
    """Yuan an interview; 0: not known."""
    budget: float | None = None
    """Yuan; None: no limit."""

    def __post_init__(self) -> None:
        for wrong, message in (
            (not 0 < self.margin < 50, msg("The margin must lie between 0 and 50 points.")),
            (not 0.5 <= self.level < 1, msg("The confidence must lie between 50% and 100%.")),
            (self.deff < 1, msg("The design effect must be at least 1.")),
            (self.total < 1, msg("At least one interview must be planned.")),
            (self.price < 0 or (self.budget or 0) < 0, msg("Price and budget cannot be negative.")),
            (
                self.budget is not None and self.price == 0,
                msg("A budget needs the price of an interview."),
            ),
        ):
            if wrong:
                raise RefusedError("sample_plan", message)

    @property
    def z(self) -> float:
        return float(ndtri((1 + self.level) / 2))

    @property
    def floor(self) -> int:
        """Smallest number of interviews by which a city meets the requested margin."""
        return ceil(self.deff * self.z**2 / 4 / (self.margin / PER_CENT) ** 2 - 1e-9)

    def half_width(self, n: pd.Series) -> pd.Series:
        """Return the half-width in percentage points of a share of 50 % among `n` interviews."""
        return self.z * sqrt(self.deff / 4) * PER_CENT / n.where(n > 0).pow(0.5)


def drop_uninformative(half_width: pd.Series) -> pd.Series:
    """Return half-widths with NaN for those over 50 points, which no share can exceed."""
    return half_width.where(half_width <= PER_CENT / 2)


@dataclass(frozen=True, eq=False)
class SampleSizes:
    """Sample sizes and half-widths by city, and by city and special group.

    Half-widths of groups are missing beyond ±50 points; those of cities, which others are computed
    from, are not. `groups` has city_code, group, share, expected and half_width; `expected` are the
    interviews that the sample brings without a quota for the group, or with the factor by which it
    is asked more often.
    """

    aim: PrecisionTarget
    cities: pd.DataFrame
    groups: pd.DataFrame

    @property
    def total(self) -> int:
        return int(self.cities["size"].sum())

    @property
    def missed(self) -> int:
        """Number of cities that miss the requested margin of error because of oversampling."""
        return int((self.cities["half_width"] > self.aim.margin + 5e-3).sum())

    @property
    def cost(self) -> float:
        return self.total * self.aim.price


def compute_sample(
    population: pd.Series,
    aim: PrecisionTarget,
    *,
    shares: Mapping[str, pd.Series] | None = None,
    boosts: Mapping[str, float] | None = None,
) -> SampleSizes:
    """Divide the interviews of `aim` over cities; compute half-widths by city and group.

    Args:
        population: people by city code.
        shares: share (0 to 1) of special groups in each city's population, by group.
        boosts: group of `shares` -> how many times as often its members are asked.

    Raises:
        RefusedError: the budget does not pay for the total. RefusedError: the total does not pay
            for the floor.
    """
    _require_budget(aim, len(population))
    return evaluate_sample(_allocate_interviews(population, aim), aim, shares=shares, boosts=boosts)


def evaluate_sample(
    size: pd.Series,
    aim: PrecisionTarget,
    *,
    shares: Mapping[str, pd.Series] | None = None,
    boosts: Mapping[str, float] | None = None,
) -> SampleSizes:
    """Return half-widths for given sizes (by city), with groups oversampled by `boosts`."""
    known = {name: share.reindex(size.index) for name, share in (shares or {}).items()}
    for share in known.values():
        if not share.between(0, 1).all():
            raise RefusedError(
                "sample_plan", msg("The share of a group must lie between 0 and 1 in every city.")
            )
    factors = {name: factor for name, factor in (boosts or {}).items() if factor != 1.0}
    if any(factor < 1 or name not in known for name, factor in factors.items()):
        raise RefusedError(
            "sample_plan", msg("A group can only be asked more often than others, not less.")
        )
    costs = {name: weighting_design_effect(known[name], factor) for name, factor in factors.items()}
    cities = pd.DataFrame(
        {"size": size, "half_width": aim.half_width(_compute_effective_interviews(size, costs))}
    )
    parts = [
        _build_group_rows(name, share, size, aim, factors.get(name, 1.0), costs)
        for name, share in known.items()
    ]
    columns = ["city_code", "group", "share", "expected", "half_width"]
    groups = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return SampleSizes(aim, cities, groups)


def _compute_effective_interviews(
    size: pd.Series, costs: Mapping[str, pd.Series], *, but: str = ""
) -> pd.Series:
    """Return interviews by city over the design effects (`costs`) of all groups except `but`.

    Args:
        but: Group whose own loss is left out, because inside it all weights are equal.
    """
    worth = size.astype(np.float64)
    for name, cost in costs.items():
        worth = worth if name == but else worth / cost
    return worth


def _require_budget(aim: PrecisionTarget, cities: int) -> None:
    if aim.budget is None or (affordable := floor(aim.budget / aim.price)) >= aim.total:
        return
    raise RefusedError(
        "sample_plan",
        msg(
            "The budget pays for {affordable} interviews, {total} are planned; the floor of "
            "{floor} in each of {cities} cities alone takes {needed}.",
            affordable=affordable,
            total=aim.total,
            floor=aim.floor,
            cities=cities,
            needed=aim.floor * cities,
        ),
    )


def _allocate_interviews(population: pd.Series, aim: PrecisionTarget) -> pd.Series:
    people = population.astype(np.float64)
    measure = {
        AllocationRule.PROPORTIONAL: people,
        AllocationRule.SQUARE_ROOT: people.pow(0.5),
        AllocationRule.EQUAL: people.clip(upper=1.0, lower=1.0),
    }[aim.rule]
    return allocate(measure, total=aim.total, floor=aim.floor)


def _build_group_rows(
    name: str,
    share: pd.Series,
    size: pd.Series,
    aim: PrecisionTarget,
    factor: float,
    costs: Mapping[str, pd.Series],
) -> pd.DataFrame:
    expected = size * sample_share(share, factor)
    return pd.DataFrame(
        {
            "city_code": size.index,
            "group": name,
            "share": share.to_numpy(),
            "expected": expected.to_numpy(),
            "half_width": drop_uninformative(
                aim.half_width(_compute_effective_interviews(expected, costs, but=name))
            ).to_numpy(),
        }
    )
