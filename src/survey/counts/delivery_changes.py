"""Changes that a delivery makes: sums stored now, sums delivered, and what would be lost.

A month that is delivered again takes the place of what stands of it, also of areas and days that
the new delivery does not have. Nothing is lost without a word: whoever delivers confirms the list.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from hashlib import sha256

from survey.locale import SurveyError, msg
from survey.store.china_time import china_date

AreaSums = Mapping[tuple[str, str], int]
"""Sums by area and month (`2024-05`) or day (`2024-05-31`)."""
_MONTH_CHARS = 7
_MAX_NAMED = 12


class DeliveryNotAllowedError(SurveyError):
    """Raised when the statements about a delivery are not acceptable; nothing was stored."""

    code = "delivery_refused"


@dataclass(frozen=True)
class AreaChange:
    """Stored and delivered sum of an area in a month, and months or days that would be lost."""

    area: str
    period: str
    before: int | None
    """None where nothing stands."""
    after: int | None
    """None where nothing comes."""
    lost: tuple[str, ...]


@dataclass(frozen=True)
class LostList:
    """List, some of its codes, or a measure, that stands in a month and that a delivery lacks."""

    period: str
    column: str
    """Key or measure of the kind of counts."""
    codes: tuple[str, ...]
    """Codes that none of the areas would have any more; empty: the list or measure as a whole."""
    areas: int
    """Number of areas that would lose it."""


@dataclass(frozen=True)
class DeliveryChanges:
    """Changes that a delivery makes, one row per area and month, rows with losses first."""

    rows: tuple[AreaChange, ...]
    lost_lists: tuple[LostList, ...] = ()
    """What is lost in areas and months that do come."""

    @cached_property
    def losses(self) -> tuple[AreaChange, ...]:
        """Rows in which a stored month or day is missing from the delivery."""
        return tuple(row for row in self.rows if row.lost)

    @property
    def confirmation(self) -> str:
        """Hash by which a sender confirms exactly these losses; empty if nothing is lost."""
        lost = [f"{row.area} {' '.join(row.lost)}" for row in self.losses]
        lost += [
            f"{each.period} {each.column} {' '.join(each.codes)} {each.areas}"
            for each in self.lost_lists
        ]
        return sha256("\n".join(lost).encode()).hexdigest()[:16] if lost else ""

    @property
    def audit_detail(self) -> dict[str, int]:
        """Numbers of sums and of lists that are lost, for the entry of the trail; none of none."""
        sums = sum(len(row.lost) for row in self.losses)
        numbers = {"lost_sums": sums, "lost_lists": len(self.lost_lists)}
        return {name: number for name, number in numbers.items() if number}

    def require_confirmed(self, confirmation: str) -> None:
        """Raise `DeliveryLosesError` if something is lost that `confirmation` does not confirm."""
        if self.confirmation not in {"", confirmation}:
            raise DeliveryLosesError(self)


class DeliveryLosesError(SurveyError):
    """Raised when a delivery lacks stored counts and nobody confirmed it; nothing was stored."""

    code = "delivery_loses"

    def __init__(self, changes: DeliveryChanges) -> None:
        months = {row.period for row in changes.losses}
        months |= {each.period for each in changes.lost_lists}
        super().__init__(
            msg(
                "This delivery lacks something that stands in {months}: areas, days, classes or "
                "whole lists. Deliver it anew with all of it, or confirm the loss.",
                months=", ".join(sorted(months)),
            )
        )
        self.changes = changes


def compare_sums(
    before: AreaSums, after: AreaSums, lost_lists: tuple[LostList, ...] = ()
) -> DeliveryChanges:
    """Return changes by area and month if sums `after` replace sums `before`, losses first."""
    keys = sorted({*before, *after}, key=lambda key: (key[1], key[0]))
    by_row: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for area, name in keys:
        by_row.setdefault((area, name[:_MONTH_CHARS]), []).append((area, name))
    rows = [
        AreaChange(
            area,
            period,
            _add(before, names),
            _add(after, names),
            tuple(name for key, name in names if (key, name) not in after),
        )
        for (area, period), names in by_row.items()
    ]
    return DeliveryChanges(tuple(sorted(rows, key=lambda row: not row.lost)), lost_lists)


def _add(sums: AreaSums, keys: Iterable[tuple[str, str]]) -> int | None:
    known = [sums[key] for key in keys if key in sums]
    return sum(known) if known else None


def require_ended(sums: AreaSums, *, data_as_of: date | None, now: datetime) -> None:
    """Raise `DeliveryNotAllowedError` if a month or day of `sums` had not ended by `data_as_of`.

    Args:
        data_as_of: Day until which data were counted; None where nobody has said so yet.
    """
    yesterday = china_date(now) - timedelta(days=1)
    until = yesterday if data_as_of is None else min(data_as_of, yesterday)
    open_names = sorted({name for _, name in sums if _find_last_day(name) > until})
    if open_names:
        raise DeliveryNotAllowedError(
            msg(
                "Of these the counts cannot be whole, because they had not ended on {day}: "
                "{names}. Please leave them out.",
                day=until.isoformat(),
                names=", ".join(open_names[:_MAX_NAMED]) + (" …" * (len(open_names) > _MAX_NAMED)),
            )
        )


def _find_last_day(name: str) -> date:
    if len(name) > _MONTH_CHARS or "W" in name:
        return date.fromisoformat(f"{name}7" if "W" in name else name)
    year, month = int(name[:4]), int(name[5:])
    return date(year, month, monthrange(year, month)[1])
