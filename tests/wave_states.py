"""Waves in states that no move leads to, for tests of what a state means."""

from sqlalchemy import text
from sqlmodel import Session

from survey.store.tables import Wave, WaveState


def set_wave_state(session: Session, wave: Wave, state: WaveState) -> None:
    """Put a wave of this test's own store into any state; its guard against it is gone then."""
    table = " ON wave" if session.get_bind().dialect.name == "postgresql" else ""
    session.connection().execute(text(f"DROP TRIGGER IF EXISTS tr_wave_move{table}"))
    wave.state = state
    session.add(wave)
    session.flush()
