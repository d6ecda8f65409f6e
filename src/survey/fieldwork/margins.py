"""Marginal quotas: which of them an interview counts in, whatever its cell (docs/collecting.md).

A margin is one category of one city: a gender, an age band, guardians, a school stage, the rural
part. Which ones an interview belongs to follows from its answers and its sampling point, so nothing
of it is stored with the interview.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, not_, or_, select, update
from sqlmodel import Session

from survey.fieldwork.quota import age_of, parse_band
from survey.store.core import table_of
from survey.store.tables import QuotaMargin, SamplingPoint

ONLY_COUNTED = frozenset({"stratum"})
"""Never turn anybody away: where a stratum has no point, its interviews go to the other one."""

_MARGINS, _POINTS = table_of(QuotaMargin), table_of(SamplingPoint)
FULL = and_(_MARGINS.c.stops, _MARGINS.c.collected >= _MARGINS.c.target)
_TAKE = (
    update(_MARGINS)
    .where(
        _MARGINS.c.id == bindparam("margin"),
        or_(not_(_MARGINS.c.stops), _MARGINS.c.collected < _MARGINS.c.target),
    )
    .values(collected=_MARGINS.c.collected + 1)
)
_ADD = (
    update(_MARGINS)
    .where(_MARGINS.c.id == bindparam("margin"))
    .values(collected=_MARGINS.c.collected + bindparam("count"))
)


@dataclass(frozen=True)
class Margin:
    """One marginal quota as it was read."""

    id: UUID
    dimension: str
    category: str
    stops: bool
    full: bool
    """Whether it turned people away at that moment."""

    @property
    def name(self) -> str:
        """As it stands in reasons and files: `gender=male`."""
        return f"{self.dimension}={self.category}"

    def holds(self, answers: Mapping[str, Any], stratum: str | None, *, today: date) -> bool:
        """Whether an interview with these answers, at a point of this stratum, counts in it."""
        if self.dimension == "stratum":
            return self.category == stratum
        if self.dimension != "age_band":
            return bool(answers.get(self.dimension) == self.category)
        age = age_of(answers, today=today)
        youngest, oldest = parse_band(self.category)
        return age is not None and youngest <= age and (oldest is None or age <= oldest)


def margins_of(*, session: Session, wave_id: UUID) -> dict[str, tuple[Margin, ...]]:
    """City -> its marginal quotas in one wave, in the order in which they are locked."""
    query = (
        select(_MARGINS, FULL.label("full"))
        .where(_MARGINS.c.wave_id == wave_id)
        .order_by(_MARGINS.c.id)
    )
    margins_by_city: dict[str, list[Margin]] = {}
    for row in session.connection().execute(query):
        margin = Margin(row.id, row.dimension, row.category, row.stops, bool(row.full))
        margins_by_city.setdefault(row.city_code, []).append(margin)
    return {city: tuple(margins) for city, margins in margins_by_city.items()}


def strata_of(*, session: Session, wave_id: UUID) -> dict[UUID, str]:
    """Sampling point -> urban or rural."""
    query = select(_POINTS.c.id, _POINTS.c.stratum).where(_POINTS.c.wave_id == wave_id)
    return {row.id: row.stratum for row in session.connection().execute(query)}


def take_margin(*, session: Session, margin_id: UUID) -> bool:
    """Count one more interview; False, and nothing counted, when it is full."""
    return session.connection().execute(_TAKE, {"margin": margin_id}).rowcount == 1


def add_to_margins(*, session: Session, counts: Mapping[UUID, int]) -> None:
    """Move running counts, always in the same order, so that two changes never block each other."""
    for margin_id, count in sorted(counts.items()):
        if count:
            session.connection().execute(_ADD, {"margin": margin_id, "count": count})
