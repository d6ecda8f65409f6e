"""History of a wave: when and by whom each of its states was reached, from the audit trail."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from survey.access.roles import Action
from survey.access.work import Work
from survey.fieldwork.waves import get_wave
from survey.store.audit_events import AuditEvent
from survey.store.tables import Account, AuditEntry, Wave, WaveState, table_of

_ENTRIES, _ACCOUNTS = table_of(AuditEntry), table_of(Account)
_STATES: Mapping[str, WaveState] = {
    AuditEvent.WAVE_CREATED: WaveState.PLANNED,
    AuditEvent.WAVE_OPEN: WaveState.OPEN,
    AuditEvent.WAVE_CLOSED: WaveState.CLOSED,
    AuditEvent.WAVE_FROZEN: WaveState.FROZEN,
    AuditEvent.WAVE_SNAPSHOT: WaveState.FROZEN,
    AuditEvent.WAVE_RELEASED: WaveState.RELEASED,
}


@dataclass(frozen=True)
class WaveStage:
    """One state in the life of a wave."""

    state: WaveState
    is_reached: bool
    is_current: bool
    at: datetime | None = None
    """Last time it was reached; None where it was passed over, or the entry was trimmed."""
    by: str = ""
    """Name of the account, or of the operator."""


def list_wave_stages(work: Work, *, key: str) -> tuple[WaveStage, ...]:
    """Return every state of a wave in order, with time and person of those it has reached.

    Raises `NotFoundError`.
    """
    work.require(Action.READ_PLAN)
    wave = get_wave(session=work.session, key=key)
    order = list(WaveState)
    reached = order.index(wave.state)
    changes = _find_last_changes(work.session, wave)
    return tuple(
        WaveStage(state, True, state is wave.state, *changes.get(state, (None, "")))
        if order.index(state) <= reached
        else WaveStage(state, False, False)
        for state in order
    )


def _find_last_changes(session: Session, wave: Wave) -> dict[WaveState, tuple[datetime, str]]:
    """Return time and person of the last time that the wave came into each state."""
    query = (
        select(_ENTRIES.c.at, _ENTRIES.c.action, _ENTRIES.c.detail, _ACCOUNTS.c.name)
        .select_from(_ENTRIES.outerjoin(_ACCOUNTS, _ACCOUNTS.c.id == _ENTRIES.c.actor_id))
        .where(_ENTRIES.c.subject_id == str(wave.id), _ENTRIES.c.action.in_(list(_STATES)))
        .order_by(_ENTRIES.c.at, _ENTRIES.c.id)
    )
    return {
        _STATES[row.action]: (row.at, row.name or str(row.detail.get("by", "")))
        for row in session.connection().execute(query)
        if row.action != AuditEvent.WAVE_SNAPSHOT or _has_frozen_wave(row.detail)
    }


def _has_frozen_wave(detail: Mapping[str, Any]) -> bool:
    """Return whether a snapshot was the one with which its wave became frozen."""
    return bool(detail.get("final")) and detail.get("from") == WaveState.CLOSED
