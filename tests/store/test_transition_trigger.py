"""Raw SQL cannot move an interview where the life of a response does not lead."""

from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from survey.access.principal import OPERATOR
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.store.engine import engine_for, session_scope
from survey.store.guards import RESPONSE_MOVES
from survey.store.tables import Mode, Status, Wave, WaveState
from survey.waves.lifecycle import TRANSITIONS, UNDOABLE
from tests.wave_states import set_wave_state
from tests.work_of import work_of

ALLOWED = {*TRANSITIONS, *((to, start) for start, to in UNDOABLE)}
"""Every decision, and the way back of those that can be undone."""


def test_the_database_knows_the_moves_that_the_code_knows() -> None:
    assert {(start.value, to.value) for start, to in ALLOWED} == set(RESPONSE_MOVES)


def test_every_pair_of_states_is_allowed_or_refused_by_the_database(field: Any) -> None:
    pairs = list(product(Status, Status))
    interviews = [
        FinishedResponse(
            client_uuid=uuid4(),
            city_code="110000",
            mode=Mode.SELF,
            status=start,
            submitted_at=field.now,
            answers={},
        )
        for start, _ in pairs
    ]
    with session_scope(field.url) as session:
        write_responses(work_of(session, OPERATOR, field.now), wave=field.wave, rows=interviews)
    engine = engine_for(field.url)
    id_of = (
        (lambda response: response.id.hex)
        if engine.dialect.name == "sqlite"
        else (lambda response: response.id)
    )
    statement = text("UPDATE response SET status = :to WHERE id = :id")
    for (start, to), interview in zip(pairs, interviews, strict=True):
        parameters = {"to": to.value, "id": id_of(interview)}
        if start is to or (start, to) in ALLOWED:
            with engine.begin() as connection:
                assert connection.execute(statement, parameters).rowcount == 1
        else:
            with (
                pytest.raises(IntegrityError, match="this change of status is not allowed"),
                engine.begin() as connection,
            ):
                connection.execute(statement, parameters)


@pytest.mark.parametrize("state", [WaveState.FROZEN, WaveState.RELEASED])
def test_once_the_figures_are_computed_the_database_refuses_every_move(
    field: Any, state: WaveState
) -> None:
    interview = FinishedResponse(
        client_uuid=uuid4(),
        city_code="110000",
        mode=Mode.SELF,
        status=Status.CITY_APPROVED,
        submitted_at=field.now,
        answers={},
    )
    with session_scope(field.url) as session:
        write_responses(work_of(session, OPERATOR, field.now), wave=field.wave, rows=[interview])
        set_wave_state(session, session.get_one(Wave, field.wave.id), state)
    for to in ("approved", "void"):
        with (
            pytest.raises(IntegrityError, match="the figures of the wave are computed"),
            engine_for(field.url).begin() as connection,
        ):
            connection.execute(text("UPDATE response SET status = :to"), {"to": to})
    with engine_for(field.url).begin() as connection:
        connection.execute(text("UPDATE response SET status = 'city_approved', reason = 'same'"))


def test_a_statement_over_many_rows_is_refused_whole(field: Any) -> None:
    interviews = [
        FinishedResponse(
            client_uuid=uuid4(),
            city_code="110000",
            mode=Mode.SELF,
            status=status,
            submitted_at=field.now,
            answers={},
        )
        for status in (Status.SUBMITTED, Status.FROZEN)
    ]
    with session_scope(field.url) as session:
        write_responses(work_of(session, OPERATOR, field.now), wave=field.wave, rows=interviews)
    with pytest.raises(IntegrityError), engine_for(field.url).begin() as connection:
        connection.execute(text("UPDATE response SET status = 'void'"))
    with engine_for(field.url).connect() as connection:
        statuses = connection.execute(text("SELECT status FROM response ORDER BY status")).scalars()
        assert list(statuses) == ["frozen", "submitted"]
