"""Erasure of parked interviews: with every decision, and when the respondent withdraws."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import Session

from survey.access.audit import record
from survey.store.audit_events import AuditEvent
from survey.store.tables import AnyRow, ParkedInterview, ParkingDecision, table_of
from survey.store.tables.erasure import ERASURES

_PARKED = table_of(ParkedInterview)


def erase_parked(
    session: Session, parked_id: UUID, decision: ParkingDecision, **decided: Any
) -> None:
    """Set the decision on a parked interview and blank everything that was answered."""
    kept_code = {} if decision is ParkingDecision.WITHDRAWN else {"withdrawal_sha256": None}
    session.connection().execute(
        update(_PARKED)
        .where(_PARKED.c.id == parked_id)
        .values(decision=decision, **ERASURES[ParkedInterview].erased, **kept_code, **decided)
    )


def lock_parked_by_code(session: Session, code_sha256: str) -> list[AnyRow]:
    """Return and lock the parked interviews with this withdrawal code."""
    query = (
        select(_PARKED.c.id, _PARKED.c.decision)
        .where(_PARKED.c.withdrawal_sha256 == code_sha256)
        .order_by(_PARKED.c.id)
        .with_for_update()
    )
    return list(session.connection().execute(query))


def withdraw_parked(session: Session, parked_id: UUID, now: datetime) -> None:
    """Erase a waiting interview in the name of its respondent; the figures never knew it."""
    erase_parked(session, parked_id, ParkingDecision.WITHDRAWN, decided_at=now)
    record(
        session=session,
        actor=None,
        event=AuditEvent.PARKED_WITHDRAWN,
        subject_id=parked_id,
        now=now,
        detail={"by": "code"},
    )
