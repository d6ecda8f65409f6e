"""Quotas of a wave: the cell and marginal quotas of an interview, and their running counts.

A full cell that stops ends further interviews of its group (docs/collecting.md); later decisions
(corrections, review) and interviews collected elsewhere are counted in any case. Cells and marginal
quotas are claimed and given back together (`survey.fieldwork.quota_counts`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from math import isfinite
from typing import Any, TypeGuard
from uuid import UUID

from sqlalchemy import and_, bindparam, not_, or_, select, update
from sqlmodel import Session

from survey.store.tables import QuotaCell, QuotaMargin, SamplingPoint, Status, table_of

COUNTED_STATUSES = frozenset(
    {Status.SUBMITTED, Status.RETURNED, Status.CITY_APPROVED, Status.APPROVED, Status.FROZEN}
)
"""Responses in these states are what a quota counts."""

_CELLS = table_of(QuotaCell)
_SELECT = select(_CELLS.c.id, _CELLS.c.age_band, _CELLS.c.gender).where(
    _CELLS.c.wave_id == bindparam("wave"), _CELLS.c.city_code == bindparam("city")
)
CELL_IS_FULL = and_(_CELLS.c.stops, _CELLS.c.collected >= _CELLS.c.target)
_ADD_TO_CELL = (
    update(_CELLS)
    .where(_CELLS.c.id == bindparam("cell"))
    .values(collected=_CELLS.c.collected + bindparam("count"))
)
_CLAIM_CELL = (
    update(_CELLS)
    .where(
        _CELLS.c.id == bindparam("cell"),
        or_(not_(_CELLS.c.stops), _CELLS.c.collected < _CELLS.c.target),
    )
    .values(collected=_CELLS.c.collected + 1)
)
_BAND = re.compile(r"(\d+)(?:-(\d+)|\+)")


@dataclass(frozen=True)
class AgeGenderCell:
    """A quota cell: an age band, without upper limit if `oldest` is None, and a gender."""

    id: UUID
    youngest: int
    oldest: int | None
    gender: str

    def contains(self, age: int, gender: str) -> bool:
        """Whether a person of this age and gender counts in the cell."""
        return (
            gender == self.gender
            and age >= self.youngest
            and (self.oldest is None or age <= self.oldest)
        )


@lru_cache(maxsize=256)
def parse_band(band: str) -> tuple[int, int | None]:
    """Parse `15-24` or `80+` into youngest and oldest age."""
    match = _BAND.fullmatch(band)
    if match is None:
        raise ValueError(f"not an age band: {band!r}")
    return int(match[1]), int(match[2]) if match[2] else None


def list_cells(*, session: Session, wave_id: UUID, city_code: str) -> tuple[AgeGenderCell, ...]:
    """Return the quota cells of one city in a wave; none if it has no quotas there."""
    rows = session.connection().execute(_SELECT, {"wave": wave_id, "city": city_code})
    return tuple(AgeGenderCell(row.id, *parse_band(row.age_band), row.gender) for row in rows)


def find_cell(
    cells: Sequence[AgeGenderCell], answers: Mapping[str, Any], *, today: date
) -> UUID | None:
    """Return the cell that an interview with these answers counts in, if any."""
    age, gender = age_of(answers, today=today), answers.get("gender")
    if age is None or not isinstance(gender, str):
        return None
    return next((cell.id for cell in cells if cell.contains(age, gender)), None)


def age_of(answers: Mapping[str, Any], *, today: date) -> int | None:
    """Return the age in years: the questionnaire's calculation, else by the year of birth."""
    age, born = answers.get("age"), answers.get("birth_year")
    if _is_number(age):
        return int(age)
    return today.year - int(born) if _is_number(born) else None


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def add_to_cell_counts(*, session: Session, counts: Mapping[UUID, int]) -> None:
    """Change running counts, always in the same order, so that no two changes deadlock."""
    for cell_id, count in sorted(counts.items()):
        if count:
            session.connection().execute(_ADD_TO_CELL, {"cell": cell_id, "count": count})


def claim_cell(*, session: Session, cell_id: UUID) -> bool:
    """Count one more interview in the cell atomically; return False if it is full."""
    return session.connection().execute(_CLAIM_CELL, {"cell": cell_id}).rowcount == 1


NEVER_STOPPING_DIMENSIONS = frozenset({"stratum"})
"""Never turn anybody away: where a stratum has no point, its interviews go to the other one."""

_MARGINS, _POINTS = table_of(QuotaMargin), table_of(SamplingPoint)
MARGINAL_QUOTA_IS_FULL = and_(_MARGINS.c.stops, _MARGINS.c.collected >= _MARGINS.c.target)
_CLAIM_MARGINAL_QUOTA = (
    update(_MARGINS)
    .where(
        _MARGINS.c.id == bindparam("margin"),
        or_(not_(_MARGINS.c.stops), _MARGINS.c.collected < _MARGINS.c.target),
    )
    .values(collected=_MARGINS.c.collected + 1)
)
_ADD_TO_MARGINAL_QUOTA = (
    update(_MARGINS)
    .where(_MARGINS.c.id == bindparam("margin"))
    .values(collected=_MARGINS.c.collected + bindparam("count"))
)


@dataclass(frozen=True)
class MarginalQuota:
    """One marginal quota as read."""

    id: UUID
    dimension: str
    category: str
    stops: bool
    full: bool
    """Whether it turned people away at that moment."""

    @property
    def name(self) -> str:
        """Name in reasons and files, for example `gender=male`."""
        return f"{self.dimension}={self.category}"

    def contains(self, answers: Mapping[str, Any], stratum: str | None, *, today: date) -> bool:
        """Whether an interview with these answers, at a point of this stratum, counts in it."""
        if self.dimension == "stratum":
            return self.category == stratum
        if self.dimension != "age_band":
            return bool(answers.get(self.dimension) == self.category)
        age = age_of(answers, today=today)
        youngest, oldest = parse_band(self.category)
        return age is not None and youngest <= age and (oldest is None or age <= oldest)


def marginal_quotas_by_city(
    *, session: Session, wave_id: UUID
) -> dict[str, tuple[MarginalQuota, ...]]:
    """Return city -> its marginal quotas in a wave, in the order in which they are locked."""
    query = (
        select(_MARGINS, MARGINAL_QUOTA_IS_FULL.label("full"))
        .where(_MARGINS.c.wave_id == wave_id)
        .order_by(_MARGINS.c.id)
    )
    margins_by_city: dict[str, list[MarginalQuota]] = {}
    for row in session.connection().execute(query):
        margin = MarginalQuota(row.id, row.dimension, row.category, row.stops, bool(row.full))
        margins_by_city.setdefault(row.city_code, []).append(margin)
    return {city: tuple(margins) for city, margins in margins_by_city.items()}


def stratum_by_point(*, session: Session, wave_id: UUID) -> dict[UUID, str]:
    """Return sampling point -> urban or rural."""
    query = select(_POINTS.c.id, _POINTS.c.stratum).where(_POINTS.c.wave_id == wave_id)
    return {row.id: row.stratum for row in session.connection().execute(query)}


def claim_marginal_quota(*, session: Session, margin_id: UUID) -> bool:
    """Count one more interview atomically; return False if the quota is full."""
    return session.connection().execute(_CLAIM_MARGINAL_QUOTA, {"margin": margin_id}).rowcount == 1


def add_to_marginal_counts(*, session: Session, counts: Mapping[UUID, int]) -> None:
    """Change running counts, always in the same order, so that no two changes deadlock."""
    for margin_id, count in sorted(counts.items()):
        if count:
            session.connection().execute(
                _ADD_TO_MARGINAL_QUOTA, {"margin": margin_id, "count": count}
            )
