"""Sampling plan as a whole: precision, oversampling, and the sizes and quotas of every city."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from survey.locale import RefusedError, msg
from survey.locale.figures import format_quantity
from survey.sample.city_frame import FrameCity
from survey.sample.quotas import Quotas, is_oversampled, plan_margins, plan_quotas
from survey.sample.sample_size import PrecisionTarget, SampleSizes, compute_sample, evaluate_sample
from survey.sample.special_groups import (
    ELDERLY,
    GUARDIAN,
    VILLAGE_SERIES,
    count_rural_residents,
    group_shares,
)

MAX_OVERSAMPLING = 10.0
MAX_RESERVE = 1.0


@dataclass(frozen=True, eq=False)
class PlanRequest:
    """Decisions of the planner, from which the whole plan is computed."""

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
        wanted = {ELDERLY: self.elderly, GUARDIAN: self.guardian}
        boosts = {group: factor for group, factor in wanted.items() if factor > 1}
        if boosts and series in {"elderly", "minors", VILLAGE_SERIES}:
            raise RefusedError(
                "sample_plan", msg("Only the main study can ask a special group more often.")
            )
        return boosts


@dataclass(frozen=True, eq=False)
class SamplingPlan:
    """Sizes, precision and quotas that follow from a request."""

    request: PlanRequest
    sample: SampleSizes
    quotas: Quotas
    guardian_share: pd.Series | None
    """By city code; None where guardians are asked as often as anybody."""


def build_sampling_plan(
    cities: Sequence[FrameCity], series: str, request: PlanRequest
) -> SamplingPlan:
    """Compute sizes, precision and quotas of every city.

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
        known = request.guardian_share.reindex(shares[GUARDIAN].index)
        shares[GUARDIAN] = known.fillna(shares[GUARDIAN])
    sample = _build_sample(cities, series, request, shares, boosts)
    guardians = shares[GUARDIAN] if is_oversampled(boosts, GUARDIAN) else None
    quotas = plan_quotas(
        cities,
        series,
        sample.cities["size"],
        boosts=boosts,
        guardian_share=guardians,
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
