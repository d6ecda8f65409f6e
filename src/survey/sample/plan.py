"""One plan as a whole: the aim, who is asked more often, and what follows for every city."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from survey.locale import msg
from survey.sample.frame import FrameCity
from survey.sample.groups import ELDERLY, GUARDIAN, group_shares
from survey.sample.planner import Aim, PlanError, SamplePlan, judge_sample, plan_sample
from survey.sample.quotas import Quotas, is_boosted, plan_margins, plan_quotas

MOST_OFTEN = 10.0
LARGEST_RESERVE = 1.0


@dataclass(frozen=True, eq=False)
class PlanRequest:
    """What the planner decides; everything else is computed from it."""

    aim: Aim = field(default_factory=Aim)
    elderly: float = 1.0
    guardian: float = 1.0
    crossed: bool = True
    reserve: float = 0.1
    size: pd.Series | None = None
    """Interviews by city code where they were set by hand; None: computed from the aim."""
    guardian_share: pd.Series | None = None
    """Guardians among each city's population where the association knows better."""

    def __post_init__(self) -> None:
        factors = (self.elderly, self.guardian)
        if not all(1 <= factor <= MOST_OFTEN for factor in factors):
            raise PlanError(
                msg("A group can be asked 1 to {most} times as often.", most=f"{MOST_OFTEN:g}")
            )
        if not 0 <= self.reserve <= LARGEST_RESERVE:
            raise PlanError(msg("The reserve must lie between 0 and 100%."))

    def boosts(self, series: str) -> dict[str, float]:
        """Group -> factor. Raises `PlanError` where the series has no such group."""
        wanted = {ELDERLY: self.elderly, GUARDIAN: self.guardian}
        boosts = {group: factor for group, factor in wanted.items() if factor > 1}
        if boosts and series in {"elderly", "minors"}:
            raise PlanError(msg("Only the main study can ask a special group more often."))
        return boosts


@dataclass(frozen=True, eq=False)
class Planned:
    """Everything that follows from a request."""

    request: PlanRequest
    sample: SamplePlan
    quotas: Quotas
    guardian_share: pd.Series | None
    """By city code; None where guardians are asked as often as anybody."""


def make_plan(cities: Sequence[FrameCity], series: str, request: PlanRequest) -> Planned:
    """Sizes, precision and quotas of every city.

    Raises:
        PlanError, AllocationError: the aim, the budget or the sizes do not fit together.
    """
    boosts = request.boosts(series)
    if request.size is not None:
        cities = [city for city in cities if city.code in request.size.index]
    shares = group_shares(cities, series)
    if request.guardian_share is not None and GUARDIAN in shares:
        known = request.guardian_share.reindex(shares[GUARDIAN].index)
        shares[GUARDIAN] = known.fillna(shares[GUARDIAN])
    sample = _sample(cities, series, request, shares, boosts)
    guardians = shares[GUARDIAN] if is_boosted(boosts, GUARDIAN) else None
    quotas = plan_quotas(
        cities, series, sample.cities["size"], boosts=boosts, guardian_share=guardians,
        crossed=request.crossed, reserve=request.reserve,
    )  # fmt: skip
    return Planned(request, sample, quotas, guardians)


def _sample(
    cities: Sequence[FrameCity],
    series: str,
    request: PlanRequest,
    shares: Mapping[str, pd.Series],
    boosts: Mapping[str, float],
) -> SamplePlan:
    if request.size is not None:
        sample = judge_sample(request.size, request.aim, shares=shares, boosts=boosts)
        limit = request.aim.budget
        if limit is not None and sample.cost > limit:
            raise PlanError(
                msg(
                    "{total} interviews cost {cost} yuan, more than the budget of {budget}.",
                    total=sample.total,
                    cost=f"{sample.cost:,.0f}",
                    budget=f"{limit:,.0f}",
                )
            )
        return sample
    people = plan_margins(cities, series, {}).city_totals()
    return plan_sample(people, request.aim, shares=shares, boosts=boosts)
