"""Policy of full quotas: stop interviews, or keep counting and flag them."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import and_, false, func, select, update
from sqlmodel import Session

from survey.access.audit import record
from survey.access.principal import Principal
from survey.access.roles import Action
from survey.fieldwork.quotas import NEVER_STOPPING_DIMENSIONS
from survey.fieldwork.waves import STATE_NAMES, get_wave, lock_wave
from survey.locale import SurveyError, msg
from survey.store.audit_events import AuditEvent
from survey.store.tables import QuotaCell, QuotaMargin, WavePlan, WaveState, table_of

_CELLS, _MARGINS = table_of(QuotaCell), table_of(QuotaMargin)
CHANGEABLE = frozenset({WaveState.PLANNED, WaveState.OPEN})


class QuotaPolicy(StrEnum):
    """Effect of a full quota."""

    STOP = "stop"
    """No further interviews; one that is finished all the same is stored as `quota_full`."""
    COUNT = "count"
    """Everybody counts; what is beyond the target is flagged (`over_quota`)."""


class QuotaNotFoundError(SurveyError):
    """Raised when a wave or city has no quotas."""

    code = "no_quota"


class QuotaPolicyLockedError(SurveyError):
    """Raised when the state of the wave does not allow the change."""

    code = "policy_fixed"


@dataclass(frozen=True)
class QuotaPolicySummary:
    """Number of quotas of a wave that can stop interviews, and of those that do."""

    stopping: int
    of: int

    @property
    def policy(self) -> QuotaPolicy | None:
        """The common policy; None where quotas differ or there are none."""
        if not self.of or 0 < self.stopping < self.of:
            return None
        return QuotaPolicy.STOP if self.stopping else QuotaPolicy.COUNT


def set_quota_policy(
    *,
    session: Session,
    principal: Principal,
    wave_key: str,
    policy: QuotaPolicy,
    now: datetime,
    city_code: str | None = None,
) -> int:
    """Set the policy of all quotas of a wave or of one city; return their number.

    Stored interviews stay as they are.

    Raises:
        QuotaPolicyLockedError: The wave takes no interviews any more.
    """
    principal.require(Action.ADMINISTER, city_code)
    wave = lock_wave(session=session, key=wave_key)
    if wave.state not in CHANGEABLE:
        raise QuotaPolicyLockedError(
            msg("Wave {key} is {state}: what full quotas do cannot be changed any more.",
                key=wave_key, state=STATE_NAMES[wave.state])
        )  # fmt: skip
    before = _count_policies(session, wave.id, city_code)
    if policy is QuotaPolicy.STOP:
        crossed = _is_crossed(session, wave.id)
        changed = enable_quota_stop(
            session=session, wave_id=wave.id, crossed=crossed, city_code=city_code
        )
    else:
        changed = _set_policy(session, wave.id, city_code, cells=False, margins=False)
    if not changed:
        raise QuotaNotFoundError(msg("There are no quotas in wave {key} there.", key=wave_key))
    record(
        session=session, actor=principal, event=AuditEvent.QUOTA_POLICY_SET,
        subject_id=wave.id, now=now,
        detail={
            "policy": policy, "city": city_code, "quotas": changed, "from": before,
            "to": _count_policies(session, wave.id, city_code),
        },
    )  # fmt: skip
    return changed


def _count_policies(session: Session, wave_id: UUID, city_code: str | None) -> dict[str, int]:
    """Return the number of quotas, cells and marginal quotas, by policy."""
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
    """Make full quotas stop interviews: marginal quotas always, cells only where crossed.

    Under marginal quotas a cell is only what is expected, and no limit.
    """
    return _set_policy(session, wave_id, city_code, cells=crossed, margins=True)


def get_quota_policy_summary(
    *, session: Session, principal: Principal, wave_key: str
) -> QuotaPolicySummary:
    """Return the present policy of the quotas of a wave, over all its cities."""
    principal.require(Action.READ_PLAN)
    wave = get_wave(session=session, key=wave_key)
    cells = _CELLS.c.wave_id == wave.id
    if not _is_crossed(session, wave.id):
        cells = and_(cells, false())
    margins = and_(
        _MARGINS.c.wave_id == wave.id, _MARGINS.c.dimension.not_in(NEVER_STOPPING_DIMENSIONS)
    )
    stopping = of = 0
    for table, within in ((_CELLS, cells), (_MARGINS, margins)):
        query = select(func.count().filter(table.c.stops), func.count()).where(within)
        some, every = session.connection().execute(query).one()
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
