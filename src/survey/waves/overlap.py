"""Overlap of a wave in queries: which questionnaire is asked at a sampling point."""

from uuid import UUID

from sqlalchemy import ColumnElement, and_, func
from sqlmodel import Session

from survey.store.tables import SamplingPoint, Wave, WaveOverlap, table_of

OVERLAPS = table_of(WaveOverlap)
_POINTS, _WAVES = table_of(SamplingPoint), table_of(Wave)
AT_OVERLAP = and_(OVERLAPS.c.wave_id == _POINTS.c.wave_id, _POINTS.c.asks_earlier)
"""Condition of an outer join of `OVERLAPS` to sampling points: only those that it drew have one."""


def asked_instrument() -> ColumnElement[UUID]:
    """Return the questionnaire of the point in a query that joins `OVERLAPS` at `AT_OVERLAP`."""
    asked: ColumnElement[UUID] = func.coalesce(OVERLAPS.c.instrument_id, _WAVES.c.instrument_id)
    return asked


def find_overlap(*, session: Session, wave_id: UUID) -> WaveOverlap | None:
    """Return the declared overlap of a wave; None if there is none."""
    return session.get(WaveOverlap, wave_id)
