"""Quotas of a wave: cell and marginal quotas, their running counts, and what full ones do.

A full cell that stops ends further interviews of its group (docs/collecting.md); later decisions
(corrections, review) and interviews collected elsewhere are counted in any case. Cells and marginal
quotas are claimed and given back together (`survey.waves.quota_counts`).
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from math import isfinite
from typing import Any, TypeGuard
from uuid import UUID

from sqlalchemy import Table, and_, bindparam, false, func, not_, or_, select, update
from sqlmodel import Session

from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import NotFoundError, RefusedError, msg
from survey.store.audit_events import AuditEvent
from survey.store.tables import (
    CityTarget,
    QuotaCell,
    QuotaMargin,
    SamplingPoint,
    Status,
    WavePlan,
    WaveState,
    table_of,
)
from survey.waves.waves import STATE_NAMES, get_wave, lock_wave

COUNTED_STATUSES = frozenset(
    {Status.SUBMITTED, Status.RETURNED, Status.CITY_APPROVED, Status.APPROVED, Status.FROZEN}
)
"""Responses in these states are what a quota counts."""

_CELLS, _MARGINS, _POINTS = table_of(QuotaCell), table_of(QuotaMargin), table_of(SamplingPoint)
_SELECT = select(_CELLS.c.id, _CELLS.c.age_band, _CELLS.c.gender).where(
    _CELLS.c.wave_id == bindparam("wave"), _CELLS.c.city_code == bindparam("city")
)
CELL_IS_FULL = and_(_CELLS.c.stops, _CELLS.c.collected >= _CELLS.c.target)
_BAND = re.compile(r"(\d+)(?:-(\d+)|\+)")


def read_city_targets(session: Session, wave_id: UUID) -> dict[str, int]:
    """Return city -> ordered interviews of the sampling plan, without the reserve."""
    targets = table_of(CityTarget)
    query = select(targets.c.city_code, targets.c.target).where(targets.c.wave_id == wave_id)
    return {row.city_code: row.target for row in session.connection().execute(query)}


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
    """Return the quota cells of one city in a wave; empty if it has no quotas there."""
    rows = session.connection().execute(_SELECT, {"wave": wave_id, "city": city_code})
    return tuple(AgeGenderCell(row.id, *parse_band(row.age_band), row.gender) for row in rows)


def find_cell(
    cells: Sequence[AgeGenderCell], answers: Mapping[str, Any], *, today: date
) -> UUID | None:
    """Return the id of the cell that an interview with these answers counts in, else None."""
    age, gender = age_of(answers, today=today), answers.get("gender")
    if age is None or not isinstance(gender, str):
        return None
    return next((cell.id for cell in cells if cell.contains(age, gender)), None)


def age_of(answers: Mapping[str, Any], *, today: date) -> int | None:
    """Return the age in years: answer `age`, else by the year of birth; None without either."""
    age, born = answers.get("age"), answers.get("birth_year")
    if _is_number(age):
        return int(age)
    return today.year - int(born) if _is_number(born) else None


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


NEVER_STOPPING_DIMENSIONS = frozenset({"stratum"})
"""Never turn anybody away: where a stratum has no point, its interviews go to the other one."""

MARGINAL_QUOTA_IS_FULL = and_(_MARGINS.c.stops, _MARGINS.c.collected >= _MARGINS.c.target)
_CLAIM = {
    table: update(table)
    .where(
        table.c.id == bindparam("quota"),
        or_(not_(table.c.stops), table.c.collected < table.c.target),
    )
    .values(collected=table.c.collected + 1)
    for table in (_CELLS, _MARGINS)
}
_ADD = {
    table: update(table)
    .where(table.c.id == bindparam("quota"))
    .values(collected=table.c.collected + bindparam("count"))
    for table in (_CELLS, _MARGINS)
}


@dataclass(frozen=True)
class MarginalQuota:
    """One category of a marginal quota, and whether it was full when it was read."""

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
    """Return city -> its marginal quotas in a wave, by id, the order in which rows are locked."""
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
    """Return sampling point id -> stratum (urban or rural), for all points of a wave."""
    query = select(_POINTS.c.id, _POINTS.c.stratum).where(_POINTS.c.wave_id == wave_id)
    return {row.id: row.stratum for row in session.connection().execute(query)}


def claim_quota(*, session: Session, table: Table, quota_id: UUID) -> bool:
    """Count one more interview in a quota of `table` atomically; return False if it is full."""
    return session.connection().execute(_CLAIM[table], {"quota": quota_id}).rowcount == 1


def add_to_counts(*, session: Session, table: Table, counts: Mapping[UUID, int]) -> None:
    """Add to the running counts of quotas, ordered by id so that no two changes deadlock."""
    changes = [{"quota": quota, "count": count} for quota, count in sorted(counts.items()) if count]
    if changes:
        session.connection().execute(_ADD[table], changes)


CHANGEABLE = frozenset({WaveState.PLANNED, WaveState.OPEN})


class QuotaPolicy(StrEnum):
    """Effect of a full quota on further interviews: stop them, or only count them."""

    STOP = "stop"
    """No further interviews; one that is finished all the same is stored as `quota_full`."""
    COUNT = "count"
    """Everybody counts; what is beyond the target is flagged (`over_quota`)."""


@dataclass(frozen=True)
class QuotaPolicySummary:
    """Number of a wave's quotas that stop interviews when full, `of` those that could."""

    stopping: int
    of: int

    @property
    def policy(self) -> QuotaPolicy | None:
        """Common policy, to stop or only count; None if quotas differ, or none can stop."""
        if not self.of or 0 < self.stopping < self.of:
            return None
        return QuotaPolicy.STOP if self.stopping else QuotaPolicy.COUNT


def set_quota_policy(
    work: Work, *, wave_key: str, policy: QuotaPolicy, city_code: str | None = None
) -> int:
    """Set the policy of all quotas of a wave or of one city; return their number.

    Stored interviews stay as they are.

    Raises:
        RefusedError: The wave takes no interviews any more.
    """
    work.require(Action.ADMINISTER, city_code)
    wave = lock_wave(session=work.session, key=wave_key)
    if wave.state not in CHANGEABLE:
        raise RefusedError(
            "policy_fixed",
            msg(
                "Wave {key} is {state}: what full quotas do cannot be changed any more.",
                key=wave_key,
                state=STATE_NAMES[wave.state],
            ),
        )
    before = _count_policies(work.session, wave.id, city_code)
    if policy is QuotaPolicy.STOP:
        crossed = _is_crossed(work.session, wave.id)
        changed = enable_quota_stop(
            session=work.session, wave_id=wave.id, crossed=crossed, city_code=city_code
        )
    else:
        changed = _set_policy(work.session, wave.id, city_code, cells=False, margins=False)
    if not changed:
        raise NotFoundError(
            "no_quota", msg("There are no quotas in wave {key} there.", key=wave_key)
        )
    work.record(
        AuditEvent.QUOTA_POLICY_SET,
        wave.id,
        {
            "policy": policy,
            "city": city_code,
            "quotas": changed,
            "from": before,
            "to": _count_policies(work.session, wave.id, city_code),
        },
    )
    return changed


def _count_policies(session: Session, wave_id: UUID, city_code: str | None) -> dict[str, int]:
    """Return policy -> number of quotas that have it, cells and marginal quotas together."""
    counts: Counter[str] = Counter()
    for table in (_CELLS, _MARGINS):
        query = select(table.c.stops, func.count()).where(table.c.wave_id == wave_id)
        if city_code is not None:
            query = query.where(table.c.city_code == city_code)
        for stops, count in session.connection().execute(query.group_by(table.c.stops)):
            counts[QuotaPolicy.STOP.value if stops else QuotaPolicy.COUNT.value] += count
    return dict(counts)


def enable_quota_stop(
    *, session: Session, wave_id: UUID, crossed: bool, city_code: str | None = None
) -> int:
    """Let full marginal quotas, and cells if `crossed`, stop interviews; return their number.

    Under marginal quotas a cell is only what is expected, and no limit.
    """
    return _set_policy(session, wave_id, city_code, cells=crossed, margins=True)


def get_quota_policy_summary(work: Work, *, wave_key: str) -> QuotaPolicySummary:
    """Return how many quotas of a wave can stop interviews when full, and how many do."""
    work.require(Action.READ_PLAN)
    wave = get_wave(session=work.session, key=wave_key)
    cells = _CELLS.c.wave_id == wave.id
    if not _is_crossed(work.session, wave.id):
        cells = and_(cells, false())
    margins = and_(
        _MARGINS.c.wave_id == wave.id, _MARGINS.c.dimension.not_in(NEVER_STOPPING_DIMENSIONS)
    )
    stopping = of = 0
    for table, within in ((_CELLS, cells), (_MARGINS, margins)):
        query = select(func.count().filter(table.c.stops), func.count()).where(within)
        some, every = work.session.connection().execute(query).one()
        stopping, of = stopping + some, of + every
    return QuotaPolicySummary(stopping, of)


def _is_crossed(session: Session, wave_id: UUID) -> bool:
    plan = session.get(WavePlan, wave_id)
    return plan is None or plan.crossed


def _set_policy(
    session: Session, wave_id: UUID, city_code: str | None, *, cells: bool, margins: bool
) -> int:
    changed = 0
    for table, within, stops in (
        (_CELLS, (), cells),
        (_MARGINS, (_MARGINS.c.dimension.not_in(NEVER_STOPPING_DIMENSIONS),), margins),
    ):
        where = [table.c.wave_id == wave_id, *within]
        if city_code is not None:
            where.append(table.c.city_code == city_code)
        # In the order in which interviews take their places, or both would wait for each other.
        locked = (
            select(table.c.id).where(*where).order_by(table.c.id).with_for_update(key_share=True)
        )
        session.connection().execute(locked)
        changed += (
            session.connection().execute(update(table).where(*where).values(stops=stops)).rowcount
        )
    return changed
