"""The bulk writer stores exactly what it was given, counts quotas, and is all or nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from survey.access.principal import OPERATOR, AccessDeniedError
from survey.collection.response_bulk_insert import (
    RESPONSE_BATCH_SIZE,
    FinishedResponse,
    write_responses,
)
from survey.store.engine import read_scope, session_scope
from survey.store.tables import AuditEntry, Mode, QuotaCell, Response, ResponseRevision, Status
from survey.waves.quotas import COUNTED_STATUSES, list_cells
from tests.work_of import work_of

STARTED = datetime(2024, 5, 1, 23, 59, 59, 5, tzinfo=UTC)


def _interview(**changes: Any) -> FinishedResponse:
    values: dict[str, Any] = {
        "client_uuid": uuid4(),
        "city_code": "110000",
        "mode": Mode.SELF,
        "status": Status.SUBMITTED,
        "submitted_at": STARTED + timedelta(minutes=6),
        "answers": {"quality": 8, "comment": 'tab\tline\nback\\slash "quote" 满意 \\N'},
        **changes,
    }
    return FinishedResponse(**values)


def _write(field: Any, session: Session, rows: list[FinishedResponse]) -> int:
    return write_responses(work_of(session, OPERATOR, field.now), wave=field.wave, rows=rows)


def test_every_column_comes_back_as_written(field: Any) -> None:
    full = _interview(
        point_id=field.point.id,
        surveyor_id=field.surveyor.account_id,
        reason="why",
        language="en",
        started_at=STARTED,
        duration_seconds=361.25,
        dropped_answers=3,
        timings={"quality": 2.5},
        mode=Mode.ASSISTED,
        status=Status.APPROVED,
    )
    bare = _interview()
    with session_scope(field.url) as session:
        assert _write(field, session, [full, bare]) == 2
    with read_scope(field.url) as session:
        for written in (full, bare):
            stored = session.get_one(Response, written.id)
            for name in FinishedResponse.__dataclass_fields__:
                if name not in {"answers", "timings", "instrument_id"}:
                    assert getattr(stored, name) == getattr(written, name), name
            assert stored.wave_id == field.wave.id
            assert stored.instrument_id == field.wave.instrument_id
            assert stored.lock_version == 1
            query = select(ResponseRevision).where(ResponseRevision.response_id == written.id)
            revision = session.exec(query).one()
            assert revision.answers == written.answers
            assert revision.timings == written.timings
            assert (revision.number, revision.is_current) == (1, True)
            assert revision.created_at == field.now


def test_more_than_one_batch_is_written_whole(field: Any) -> None:
    rows = [_interview() for _ in range(RESPONSE_BATCH_SIZE + 1)]
    with session_scope(field.url) as session:
        assert _write(field, session, rows) == RESPONSE_BATCH_SIZE + 1
    with read_scope(field.url) as session:
        assert set(session.exec(select(Response.client_uuid))) == {r.client_uuid for r in rows}
        assert len(session.exec(select(ResponseRevision.id)).all()) == RESPONSE_BATCH_SIZE + 1


def test_a_repeated_uuid_undoes_everything(field: Any) -> None:
    rows = [_interview() for _ in range(RESPONSE_BATCH_SIZE + 5)]
    rows.append(_interview(client_uuid=rows[0].client_uuid))
    with pytest.raises(IntegrityError), session_scope(field.url) as session:
        _write(field, session, rows)
    with read_scope(field.url) as session:
        assert session.exec(select(Response)).all() == []
        assert session.exec(select(ResponseRevision)).all() == []


def test_only_states_that_count_move_the_quota(field: Any) -> None:
    with session_scope(field.url) as session:
        cell = list_cells(session=session, wave_id=field.wave.id, city_code="110000")[0]
        _write(field, session, [_interview(quota_cell_id=cell.id, status=s) for s in Status])
    with read_scope(field.url) as session:
        query = select(QuotaCell.collected).where(col(QuotaCell.id) == cell.id)
        assert session.exec(query).one() == len(COUNTED_STATUSES) == 5


def test_one_audit_entry_tells_who_wrote_how_many(field: Any) -> None:
    with session_scope(field.url) as session:
        _write(field, session, [_interview(), _interview()])
    with read_scope(field.url) as session:
        query = select(AuditEntry).where(AuditEntry.action == "responses.imported")
        entry = session.exec(query).one()
    assert entry.detail == {"by": "operator", "key": "main-2026", "responses": 2}
    assert entry.subject_id == str(field.wave.id)


def test_a_surveyor_may_not_write_in_bulk(field: Any) -> None:
    with pytest.raises(AccessDeniedError), session_scope(field.url) as session:
        write_responses(
            work_of(session, field.surveyor, field.now), wave=field.wave, rows=[_interview()]
        )


def test_nothing_is_written_for_nothing(field: Any) -> None:
    with session_scope(field.url) as session:
        assert _write(field, session, []) == 0
