"""How large a sample must be, what it costs, and what it will be able to say, before it is drawn.

For a share of one half, the worst case, a simple random sample of n gives a half-width of
z * 0.5 / sqrt(n); clustering and weighting multiply the variance by the design effect. Hence

    floor = ceil(deff * z^2 / (4 * margin^2))    half-width of n = z * sqrt(deff / (4 * n))

with z the normal quantile of the level. 5 points, 95 % and a design effect of 1.4 give 538.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, floor, sqrt

import numpy as np
import pandas as pd
from scipy.stats import norm

from survey.locale import Message, SurveyError, msg
from survey.sample.allocation import PLANNED_DEFF, TOTAL, allocate

PER_CENT = 100.0


class Rule(StrEnum):
    """How interviews beyond the floor are divided over the cities."""

    PROPORTIONAL = "proportional"
    SQUARE_ROOT = "square_root"
    EQUAL = "equal"


class PlanError(SurveyError):
    code = "sample_plan"


@dataclass(frozen=True)
class Aim:
    """What is asked of every city, and what there is to spend."""

    margin: float = 5.0
    """Half-width in percentage points, for a share of 50 %, in every city."""
    level: float = 0.95
    deff: float = PLANNED_DEFF
    rule: Rule = Rule.PROPORTIONAL
    total: int = TOTAL
    price: float = 0.0
    """Yuan an interview; 0: not known."""
    budget: float | None = None
    """Yuan; None: no limit."""

    def __post_init__(self) -> None:
        for wrong, message in self._objections():
            if wrong:
                raise PlanError(message)

    def _objections(self) -> tuple[tuple[bool, Message], ...]:
        return (
            (not 0 < self.margin < 50, msg("The margin must lie between 0 and 50 points.")),
            (not 0.5 <= self.level < 1, msg("The confidence must lie between 50% and 100%.")),
            (self.deff < 1, msg("The design effect must be at least 1.")),
            (self.total < 1, msg("At least one interview must be planned.")),
            (
                self.price < 0 or (self.budget or 0) < 0,
                msg("Price and budget cannot be negative."),
            ),
            (
                self.budget is not None and self.price == 0,
                msg("A budget needs the price of an interview."),
            ),
        )

    @property
    def z(self) -> float:
        return float(norm.ppf((1 + self.level) / 2))

    @property
    def floor(self) -> int:
        """Fewest interviews of a city."""
        return ceil(self.deff * self.z**2 / 4 / (self.margin / PER_CENT) ** 2 - 1e-9)

    def half_width(self, n: pd.Series) -> pd.Series:
        """Percentage points for a share of 50 % among `n` interviews; missing where n is 0."""
        return self.z * sqrt(self.deff / 4) * PER_CENT / n.where(n > 0).pow(0.5)


@dataclass(frozen=True, eq=False)
class SamplePlan:
    """`cities`: size, half_width by city code. `groups`: city_code, group, share, expected,
    half_width; `expected` is what an unquota'd sample would bring."""

    aim: Aim
    cities: pd.DataFrame
    groups: pd.DataFrame

    @property
    def total(self) -> int:
        return int(self.cities["size"].sum())

    @property
    def cost(self) -> float:
        return self.total * self.aim.price


def plan_sample(
    population: pd.Series, aim: Aim, *, shares: Mapping[str, pd.Series] | None = None
) -> SamplePlan:
    """Divide the interviews over the cities and say what each will be able to tell.

    Args:
        population: people by city code.
        shares: share (0 to 1) of special groups in each city's population, by group.

    Raises:
        PlanError: the budget does not pay for the total. AllocationError: the total does not pay
            for the floor.
    """
    _within_budget(aim, len(population))
    size = _sizes(population, aim)
    cities = pd.DataFrame({"size": size, "half_width": aim.half_width(size)})
    parts = [
        _group(name, share.reindex(size.index), size, aim) for name, share in (shares or {}).items()
    ]
    columns = ["city_code", "group", "share", "expected", "half_width"]
    groups = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return SamplePlan(aim, cities, groups)


def _within_budget(aim: Aim, cities: int) -> None:
    if aim.budget is None:
        return
    affordable = floor(aim.budget / aim.price)
    if affordable >= aim.total:
        return
    needed = aim.floor * cities
    raise PlanError(
        msg(
            "The budget pays for {affordable} interviews, {total} are planned; the floor of "
            "{floor} in each of {cities} cities alone takes {needed}.",
            affordable=affordable,
            total=aim.total,
            floor=aim.floor,
            cities=cities,
            needed=needed,
        )
    )


def _sizes(population: pd.Series, aim: Aim) -> pd.Series:
    people = population.astype(np.float64)
    measure = {
        Rule.PROPORTIONAL: people,
        Rule.SQUARE_ROOT: people.pow(0.5),
        Rule.EQUAL: people.clip(upper=1.0, lower=1.0),
    }[aim.rule]
    return allocate(measure, total=aim.total, floor=aim.floor).size


def _group(name: str, share: pd.Series, size: pd.Series, aim: Aim) -> pd.DataFrame:
    if not share.between(0, 1).all():
        raise PlanError(msg("The share of a group must lie between 0 and 1 in every city."))
    expected = size * share
    return pd.DataFrame(
        {
            "city_code": size.index,
            "group": name,
            "share": share.to_numpy(),
            "expected": expected.to_numpy(),
            "half_width": aim.half_width(expected).to_numpy(),
        }
    )
