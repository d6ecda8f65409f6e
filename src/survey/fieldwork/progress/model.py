"""What is counted: tallies by state, of a quota cell, a city or all cities."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

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
    """Over the cells: what one cell has too many helps no other."""

    @property
    def waste(self) -> Share | None:
        return share(self.tally.void, self.tally.decided)


def share(count: int, of: int) -> Share | None:
    """`count` of `of` with its interval."""
    return Share(count / of, *wilson(count, of), of) if of else None
