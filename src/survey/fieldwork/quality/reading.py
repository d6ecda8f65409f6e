"""One pass over the stored interviews of a wave."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import Select, select
from sqlmodel import Session

from survey.fieldwork.quality.interviews import Raw
from survey.fieldwork.quota import COUNTED
from survey.store.core import table_of
from survey.store.tables import QuotaCell, Response, ResponseRevision, Status

FINISHED = COUNTED | {Status.VOID}
"""What is assessed: whole interviews, the void ones too, so that a restored one has its flags."""
_CHUNK = 4_000

_RESPONSES, _REVISIONS = table_of(Response), table_of(ResponseRevision)
_CELLS = table_of(QuotaCell)


def stored_interviews(session: Session, wave_id: UUID) -> Iterator[Raw]:
    """Every finished interview of the wave with its current answers, in no particular order.

    Of a withdrawn one nothing is left that could be assessed.
    """
    streaming = {"yield_per": _CHUNK}
    found = session.connection().execute(_query(wave_id), execution_options=streaming)
    for row in found:
        yield Raw(
            row.id, row.city_code, row.point_id, row.surveyor_id, row.mode, row.started_at,
            row.submitted_at, row.duration_seconds, row.status in COUNTED, row.quota_cell_id,
            row.target, row.answers, row.timings,
        )  # fmt: skip


def _query(wave_id: UUID) -> Select[tuple[object, ...]]:
    return (
        select(
            _RESPONSES.c.id, _RESPONSES.c.city_code, _RESPONSES.c.point_id,
            _RESPONSES.c.surveyor_id, _RESPONSES.c.mode, _RESPONSES.c.started_at,
            _RESPONSES.c.submitted_at, _RESPONSES.c.duration_seconds, _RESPONSES.c.status,
            _RESPONSES.c.quota_cell_id, _CELLS.c.target, _REVISIONS.c.answers,
            _REVISIONS.c.timings,
        )
        .select_from(_RESPONSES)
        .join(_REVISIONS, _REVISIONS.c.response_id == _RESPONSES.c.id)
        .outerjoin(_CELLS, _CELLS.c.id == _RESPONSES.c.quota_cell_id)
        .where(
            _RESPONSES.c.wave_id == wave_id,
            _RESPONSES.c.status.in_(FINISHED),
            _RESPONSES.c.withdrawn_at.is_(None),
            _REVISIONS.c.is_current,
        )
    )  # fmt: skip
