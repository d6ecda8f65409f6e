"""Quotas: which cell an interview belongs to, and the running count of each cell.

A cell that stops takes nobody more at the door once it is full (docs/collecting.md); what people
decide afterwards (corrections, review) and what was collected elsewhere counts in any case.
Marginal quotas stand beside the cells (`survey.fieldwork.margins`); both are taken and given back
together (`survey.fieldwork.places`).
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

from survey.store.core import table_of
from survey.store.tables import QuotaCell, Status

COUNTED = frozenset(
    {Status.SUBMITTED, Status.RETURNED, Status.CITY_APPROVED, Status.APPROVED, Status.FROZEN}
)
"""Responses in these states are what a quota counts."""

_CELLS = table_of(QuotaCell)
_SELECT = select(_CELLS.c.id, _CELLS.c.age_band, _CELLS.c.gender).where(
    _CELLS.c.wave_id == bindparam("wave"), _CELLS.c.city_code == bindparam("city")
)
FULL = and_(_CELLS.c.stops, _CELLS.c.collected >= _CELLS.c.target)
_ADD = (
    update(_CELLS)
    .where(_CELLS.c.id == bindparam("cell"))
    .values(collected=_CELLS.c.collected + bindparam("count"))
)
_TAKE = (
    update(_CELLS)
    .where(
        _CELLS.c.id == bindparam("cell"),
        or_(not_(_CELLS.c.stops), _CELLS.c.collected < _CELLS.c.target),
    )
    .values(collected=_CELLS.c.collected + 1)
)
_BAND = re.compile(r"(\d+)(?:-(\d+)|\+)")


@dataclass(frozen=True)
class Cell:
    """One quota cell: a closed age band, open above when `oldest` is None, and a gender."""

    id: UUID
    youngest: int
    oldest: int | None
    gender: str

    def holds(self, age: int, gender: str) -> bool:
        return (
            gender == self.gender
            and age >= self.youngest
            and (self.oldest is None or age <= self.oldest)
        )


@lru_cache(maxsize=256)
def parse_band(band: str) -> tuple[int, int | None]:
    """`15-24` or `80+` as youngest and oldest age."""
    match = _BAND.fullmatch(band)
    if match is None:
        raise ValueError(f"not an age band: {band!r}")
    return int(match[1]), int(match[2]) if match[2] else None


def cells_of(*, session: Session, wave_id: UUID, city_code: str) -> tuple[Cell, ...]:
    """The quota cells of one city in one wave; none when the wave has no quotas there."""
    rows = session.connection().execute(_SELECT, {"wave": wave_id, "city": city_code})
    return tuple(Cell(row.id, *parse_band(row.age_band), row.gender) for row in rows)


def find_cell(cells: Sequence[Cell], answers: Mapping[str, Any], *, today: date) -> UUID | None:
    """The cell that an interview with these answers counts in; None when it counts in none."""
    age, gender = age_of(answers, today=today), answers.get("gender")
    if age is None or not isinstance(gender, str):
        return None
    return next((cell.id for cell in cells if cell.holds(age, gender)), None)


def age_of(answers: Mapping[str, Any], *, today: date) -> int | None:
    """Age in years: the questionnaire's own calculation, else from the year of birth."""
    age, born = answers.get("age"), answers.get("birth_year")
    if _is_number(age):
        return int(age)
    return today.year - int(born) if _is_number(born) else None


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def add_to_cells(*, session: Session, counts: Mapping[UUID, int]) -> None:
    """Move running counts, always in the same order, so that two changes never block each other."""
    for cell_id, count in sorted(counts.items()):
        if count:
            session.connection().execute(_ADD, {"cell": cell_id, "count": count})


def take_cell(*, session: Session, cell_id: UUID) -> bool:
    """Count one more interview in the cell; False, and nothing counted, when it is full.

    The database decides, whoever else takes the last place at the same moment.
    """
    return session.connection().execute(_TAKE, {"cell": cell_id}).rowcount == 1
