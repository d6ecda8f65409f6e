"""Waves in states that no move leads to, for tests of what a state means."""

from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

from survey.access.audit import record
from survey.access.principal import OPERATOR
from survey.store.audit_events import AuditEvent
from survey.store.tables import Wave, WaveState
from survey.waves.waves import get_wave, transition_wave
from tests.work_of import work_of


def set_wave_state(session: Session, wave: Wave, state: WaveState) -> None:
    """Put a wave of this test's own store into any state; its guard against it is gone then."""
    table = " ON wave" if session.get_bind().dialect.name == "postgresql" else ""
    session.connection().execute(text(f"DROP TRIGGER IF EXISTS tr_wave_move{table}"))
    wave.state = state
    session.add(wave)
    session.flush()


def move_wave(*, session: Session, key: str, to: WaveState, now: datetime) -> None:
    """Move a wave as an administrator does, or freeze it without results, which no service does."""
    if to is not WaveState.FROZEN:
        transition_wave(work_of(session, OPERATOR, now), key=key, to=to)
        return
    wave = get_wave(session=session, key=key)
    record(
        session=session,
        actor=OPERATOR,
        event=AuditEvent.WAVE_FROZEN,
        subject_id=wave.id,
        now=now,
        detail={"from": wave.state, "to": to},
    )
    wave.state = to
    session.add(wave)
    session.flush()
