"""Each wave's answers lie in a part of their own on PostgreSQL, and queries look into no other."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import select

from survey.access.principal import OPERATOR
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.review.quality.stored_interviews import stored_interviews
from survey.snapshots.response_frame import CountedResponses, response_frame
from survey.store.engine import engine_for, read_scope, session_scope
from survey.store.tables import Mode, ResponseRevision, Status, Wave
from survey.waves.waves import NewWave, create_wave
from tests.work_of import work_of


def _interview(field: Any, day: int = 0) -> FinishedResponse:
    return FinishedResponse(
        client_uuid=uuid4(),
        city_code="110000",
        mode=Mode.SELF,
        status=Status.SUBMITTED,
        submitted_at=field.now + timedelta(days=day),
        answers={"quality": day},
    )


def _other_wave(field: Any, key: str = "elderly-2026") -> Wave:
    with session_scope(field.url) as session:
        plan = NewWave(
            key=key,
            series="elderly",
            year=2026,
            title_zh=key,
            title_en=key,
            instrument_id=field.wave.instrument_id,
        )
        return create_wave(work_of(session, OPERATOR, field.now), plan=plan)


def _write(field: Any, wave: Wave, count: int) -> list[FinishedResponse]:
    rows = [_interview(field, day) for day in range(count)]
    with session_scope(field.url) as session:
        write_responses(work_of(session, OPERATOR, field.now), wave=wave, rows=rows)
    return rows


def _part(wave_id: UUID) -> str:
    return f"response_revision_{wave_id.hex}"


@pytest.fixture
def two_waves(make_field: Any, postgres_url: str) -> tuple[Any, Wave]:
    field = make_field(postgres_url)
    other = _other_wave(field)
    _write(field, field.wave, 5)
    _write(field, other, 3)
    return field, other


@pytest.mark.postgres
def test_a_wave_brings_its_part_and_answers_lie_there(two_waves: tuple[Any, Wave]) -> None:
    field, other = two_waves
    with engine_for(field.url).connect() as connection:
        for wave, count in ((field.wave, 5), (other, 3)):
            result = connection.execute(text(f"SELECT count(*) FROM {_part(wave.id)}"))
            assert result.scalar_one() == count


@pytest.mark.postgres
@pytest.mark.parametrize("read", ["assessing", "freezing"])
def test_reading_one_wave_looks_into_its_part_only(two_waves: tuple[Any, Wave], read: str) -> None:
    field, other = two_waves
    plans: list[str] = []

    def explain(connection: Connection, cursor: Any, statement: str, given: Any, *_: Any) -> None:
        if "response_revision" in statement and not statement.startswith("EXPLAIN"):
            with cursor.connection.cursor() as own:
                own.execute(f"EXPLAIN {statement}", given)
                plans.append("\n".join(str(row[0]) for row in own.fetchall()))

    event.listen(engine_for(field.url), "before_cursor_execute", explain)
    with read_scope(field.url) as session:
        if read == "assessing":
            list(stored_interviews(session, field.wave.id))
        else:
            response_frame(
                session, field.instrument, CountedResponses(field.wave.id, (Status.SUBMITTED,))
            )
    assert plans
    for plan in plans:
        assert _part(field.wave.id) in plan
        assert _part(other.id) not in plan


@pytest.mark.postgres
def test_the_answers_of_an_old_wave_are_dropped_as_a_whole(two_waves: tuple[Any, Wave]) -> None:
    field, other = two_waves
    with engine_for(field.url).begin() as connection:
        part = _part(field.wave.id)
        connection.execute(text(f"ALTER TABLE response_revision DETACH PARTITION {part}"))
        connection.execute(text(f"DROP TABLE {part}"))
    with read_scope(field.url) as session:
        kept = session.exec(select(ResponseRevision.wave_id)).all()
    assert kept == [other.id] * 3


def test_answers_cannot_stand_under_another_wave_than_their_interview(field: Any) -> None:
    other = _other_wave(field)
    [row] = _write(field, field.wave, 1)
    with pytest.raises(IntegrityError), session_scope(field.url) as session:
        session.add(ResponseRevision(wave_id=other.id, response_id=row.id, number=2, answers={}))


def test_answers_of_a_wave_that_there_is_not_are_refused(field: Any) -> None:
    [row] = _write(field, field.wave, 1)
    with pytest.raises(DBAPIError), session_scope(field.url) as session:
        session.add(ResponseRevision(wave_id=uuid4(), response_id=row.id, number=2, answers={}))


def test_only_one_revision_is_current_and_numbers_are_given_once(field: Any) -> None:
    [row] = _write(field, field.wave, 1)
    for number, current in ((2, True), (1, False)):
        with pytest.raises(IntegrityError), session_scope(field.url) as session:
            session.add(
                ResponseRevision(
                    wave_id=field.wave.id,
                    response_id=row.id,
                    number=number,
                    is_current=current,
                    answers={},
                )
            )
