"""Quotas of one city, changed by hand: all of them together, never below what was collected."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import Session

from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import Message, RefusedError, msg
from survey.records import build_from
from survey.store.audit_events import AuditEvent
from survey.store.tables import CityTarget, QuotaCell, QuotaMargin, Wave, table_of
from survey.waves.planning.sampling_points import STRATUM_NAMES
from survey.waves.planning.wave_editing import lock_changeable_wave
from survey.waves.waves import get_wave

MAX_QUOTA = 100_000
CELL = "age_band × gender"
"""Name of the crossed quota, as in the workbook of a plan."""
DIMENSION_NAMES: Mapping[str, Message] = {
    CELL: msg("Age × gender"),
    "age_band": msg("Age"),
    "gender": msg("Gender"),
    "stratum": msg("Urban or rural point"),
    "guardian": msg("Guardians"),
    "school_stage": msg("School stage"),
    "village_role": msg("Role in the village"),
}
_CATEGORY_NAMES: Mapping[str, Message] = {
    "male": msg("men"),
    "female": msg("women"),
    "yes": msg("yes"),
    "no": msg("no"),
    "consumer": msg("consumers"),
    "trader": msg("traders"),
    **STRATUM_NAMES,
}
_CELLS, _MARGINS = table_of(QuotaCell), table_of(QuotaMargin)


@dataclass(frozen=True)
class CityQuota:
    """One quota of a city: a cell, or one category of a marginal quota."""

    id: UUID
    dimension: str
    groups: tuple[str, ...]
    """Categories as the results name groups, such as `gender=female`."""
    target: int
    collected: int
    stops: bool

    @property
    def name(self) -> str:
        """Name of the quota in the audit trail: its dimension and categories."""
        return f"{self.dimension}: {' '.join(self.groups)}"


@dataclass(frozen=True)
class CityQuotas:
    """All quotas of one city, and the number of interviews planned there."""

    city_code: str
    planned: int
    quotas: tuple[CityQuota, ...]

    def sums(self, targets: Mapping[UUID, int]) -> dict[str, int]:
        """Return dimension -> sum of its targets, where `targets` replace those of some quotas."""
        sums: Counter[str] = Counter()
        for quota in self.quotas:
            sums[quota.dimension] += targets.get(quota.id, quota.target)
        return sums


def list_quota_cities(work: Work, *, key: str) -> list[str]:
    """Return the codes of the cities with quotas in a wave."""
    work.require(Action.READ_PLAN)
    wave = get_wave(session=work.session, key=key)
    cities: set[str] = set()
    for table in (_CELLS, _MARGINS):
        query = select(table.c.city_code).where(table.c.wave_id == wave.id).distinct()
        cities |= set(work.session.connection().execute(query).scalars())
    return sorted(cities)


def get_city_quotas(work: Work, *, key: str, city_code: str) -> CityQuotas:
    """Return the quotas of one city: cells first, then the marginal quotas."""
    work.require(Action.READ_PLAN)
    return _read_city_quotas(work.session, get_wave(session=work.session, key=key), city_code)


def _read_city_quotas(
    session: Session, wave: Wave, city_code: str, *, lock: bool = False
) -> CityQuotas:
    def rows(table: Any, *order: Any) -> Any:
        query = select(table).where(table.c.wave_id == wave.id, table.c.city_code == city_code)
        # In the order in which interviews claim their quotas, or both would wait for each other.
        query = query.order_by(table.c.id).with_for_update(key_share=True) if lock else query
        return session.connection().execute(query if lock else query.order_by(*order))

    planned = session.get(CityTarget, (wave.id, city_code), populate_existing=True)
    cells = [
        build_from(
            CityQuota,
            row,
            dimension=CELL,
            groups=(f"age_band={row.age_band}", f"gender={row.gender}"),
        )
        for row in rows(_CELLS, _CELLS.c.age_band, _CELLS.c.gender)
    ]
    margins = [
        build_from(CityQuota, row, groups=(f"{row.dimension}={row.category}",))
        for row in rows(_MARGINS, _MARGINS.c.dimension, _MARGINS.c.category)
    ]
    return CityQuotas(city_code, planned.target if planned else 0, (*cells, *margins))


def change_city_quotas(
    work: Work, *, key: str, seen: CityQuotas, targets: Mapping[UUID, int]
) -> int:
    """Set `targets` of a city's quotas, raise if not as `seen`; record it; return how many changed.

    Args:
        seen: The quotas as the planner read them.
        targets: New target by quota; the others stay.

    Raises:
        RefusedError: The wave is closed, frozen or released.
        RefusedError: A target is no whole number, the quotas of a kind leave no room for the
            city's interviews, or somebody changed them meanwhile.
        RefusedError: A target would be smaller than the number already collected.
    """
    work.require(Action.PLAN)
    wave = lock_changeable_wave(work.session, key)
    stored = _read_city_quotas(work.session, wave, seen.city_code, lock=True)
    if {quota.id: quota.target for quota in stored.quotas} != {
        quota.id: quota.target for quota in seen.quotas
    } or not targets.keys() <= {quota.id for quota in stored.quotas}:
        raise RefusedError(
            "quotas_invalid",
            msg("Somebody else changed these quotas in the meantime. Please look at them again."),
        )
    changed = [
        quota for quota in stored.quotas if targets.get(quota.id, quota.target) != quota.target
    ]
    for quota in changed:
        _require_possible(quota, targets[quota.id])
    _require_room(stored, targets)
    if not changed:
        return 0
    for quota in changed:
        table = _CELLS if quota.dimension == CELL else _MARGINS
        work.session.connection().execute(
            update(table).where(table.c.id == quota.id).values(target=targets[quota.id])
        )
    work.record(
        AuditEvent.QUOTA_CHANGED,
        wave.id,
        {
            "city": seen.city_code,
            "from": {quota.name: quota.target for quota in changed},
            "to": {quota.name: targets[quota.id] for quota in changed},
        },
    )
    return len(changed)


def _describe_quota(quota: CityQuota) -> Message:
    """Return a quota in words, for example "Age, 25-34", for the messages of errors."""
    first, *others = [
        _CATEGORY_NAMES.get(category, category)
        for category in (group.partition("=")[2] for group in quota.groups)
    ]
    dimension = DIMENSION_NAMES[quota.dimension]
    if not others:
        return msg("{dimension}, {category}", dimension=dimension, category=first)
    return msg("{dimension}, {age}, {gender}", dimension=dimension, age=first, gender=others[0])


def _require_possible(quota: CityQuota, target: int) -> None:
    if not 0 <= target <= MAX_QUOTA:
        raise RefusedError(
            "quotas_invalid",
            msg(
                "{quota}: a target lies between 0 and {most}.",
                quota=_describe_quota(quota),
                most=f"{MAX_QUOTA:,}",
            ),
        )
    binds = quota.dimension == CELL or quota.stops
    if binds and target < min(quota.target, quota.collected):
        raise RefusedError(
            "below_collected",
            msg(
                "{quota}: {collected} interviews were collected, so the target cannot be lowered "
                "to {target}.",
                quota=_describe_quota(quota),
                collected=quota.collected,
                target=target,
            ),
        )


def _require_room(stored: CityQuotas, targets: Mapping[UUID, int]) -> None:
    """Raise if quotas, with new `targets`, sum to fewer interviews than the city's order."""
    for dimension, total in stored.sums(targets).items():
        if total < stored.planned:
            raise RefusedError(
                "quotas_invalid",
                msg(
                    "{dimension}: the targets add up to {total}, fewer than the {planned} "
                    "interviews of the city.",
                    dimension=DIMENSION_NAMES[dimension],
                    total=total,
                    planned=stored.planned,
                ),
            )
