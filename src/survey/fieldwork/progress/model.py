"""What is counted: tallies by state, of a quota cell, a city or all cities."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from survey.fieldwork.margins import ONLY_COUNTED
from survey.fieldwork.pace import EffectiveSize, Forecast
from survey.fieldwork.quality.effects import wilson
from survey.store.tables import Status


@dataclass(frozen=True)
class Tally:
    """Interviews by state, of a cell, a city or all cities, with the target they work towards."""

    target: int
    by_status: Mapping[Status, int] = field(default_factory=dict)
    counted: int = 0
    """What the quota counts: everything completed that is not void."""

    def of(self, *statuses: Status) -> int:
        return sum(self.by_status.get(status, 0) for status in statuses)

    @property
    def collected(self) -> int:
        """Completed interviews, whatever review said."""
        return self.counted + self.void

    @property
    def in_review(self) -> int:
        return self.of(Status.SUBMITTED, Status.RETURNED, Status.CITY_APPROVED)

    @property
    def valid(self) -> int:
        return self.of(Status.APPROVED, Status.FROZEN)

    @property
    def void(self) -> int:
        return self.of(Status.VOID)

    @property
    def decided(self) -> int:
        """Interviews that passed at least one level of review, or were taken out."""
        return self.void + self.valid + self.of(Status.CITY_APPROVED)

    @property
    def missing(self) -> int:
        return max(self.target - self.counted, 0)

    @property
    def beyond(self) -> int:
        """Interviews more than the target asks for."""
        return max(self.counted - self.target, 0)

    @property
    def filled(self) -> float | None:
        """Share of the target that is collected; None without a target."""
        return self.counted / self.target if self.target else None


@dataclass(frozen=True)
class Share:
    """A share with its 95% Wilson interval; None where nothing was counted."""

    value: float
    low: float
    high: float
    of: int


@dataclass(frozen=True)
class Cell:
    """One quota cell."""

    age_band: str
    gender: str
    tally: Tally


@dataclass(frozen=True)
class MarginTally:
    """One marginal quota: a group of a city, or of all cities together."""

    dimension: str
    category: str
    target: int
    collected: int
    missing: int
    """Over the cities: what one has too many helps no other."""
    stops: bool
    turned_away: int
    """Finished interviews that did not count because this group was full."""

    @property
    def group(self) -> str:
        return f"{self.dimension}={self.category}"

    @property
    def beyond(self) -> int:
        return max(self.collected - self.target, 0)


@dataclass(frozen=True)
class Place:
    """One city, or all cities in reach under the code None."""

    city_code: str | None
    tally: Tally
    cells: tuple[Cell, ...]
    effective: EffectiveSize
    forecast: Forecast | None
    days: Mapping[date, int]
    """Interviews that the quota counts, by day of receipt, of the recent days and today."""
    still_missing: int
    """Over the quotas: what one has too many helps no other."""
    margins: tuple[MarginTally, ...] = ()

    @property
    def beyond(self) -> int:
        """Interviews more than quotas ask for, by the largest surplus of one kind of quota."""
        kinds = [] if is_marginal(self.margins) else [sum(c.tally.beyond for c in self.cells)]
        kinds += by_kind(self.margins, lambda margin: margin.beyond).values()
        return max(kinds, default=0)

    @property
    def waste(self) -> Share | None:
        return share(self.tally.void, self.tally.decided)


def is_marginal(margins: Iterable[MarginTally]) -> bool:
    """Whether ages have quotas of their own; then a cell is only what is expected of it."""
    return any(margin.dimension == "age_band" for margin in margins)


def by_kind(margins: Iterable[MarginTally], figure: Callable[[MarginTally], int]) -> dict[str, int]:
    """The sum of a figure for each kind of marginal quota that can turn people away."""
    kinds: dict[str, int] = {}
    for margin in margins:
        if margin.dimension not in ONLY_COUNTED:
            kinds[margin.dimension] = kinds.get(margin.dimension, 0) + figure(margin)
    return kinds


def share(count: int, of: int) -> Share | None:
    """`count` of `of` with its interval."""
    return Share(count / of, *wilson(count, of), of) if of else None
