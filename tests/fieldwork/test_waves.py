"""A wave's state moves only along the allowed ways, by an administrator, on the record."""

from itertools import pairwise, product
from typing import Any

import pytest
from sqlmodel import col, select

from survey.access.principal import OPERATOR, AccessDeniedError
from survey.store.engine import read_scope, session_scope
from survey.store.tables import AuditEntry, WaveState
from survey.waves.waves import (
    WAVE_TRANSITIONS,
    NewWave,
    close_wave,
    create_wave,
    get_wave,
    open_wave,
    transition_wave,
)
from tests.error_codes import raises_code
from tests.wave_states import move_wave, set_wave_state
from tests.work_of import work_of


def test_a_wave_is_created_planned_and_opened_on_the_record(field: Any) -> None:
    with read_scope(field.url) as session:
        assert get_wave(session=session, key="main-2026").state is WaveState.OPEN
        entries = session.exec(select(AuditEntry).order_by(col(AuditEntry.id))).all()
    assert [entry.action for entry in entries] == ["wave.created", "wave.open"]
    assert [entry.detail["by"] for entry in entries] == ["operator", "operator"]
    assert {entry.actor_id for entry in entries} == {None}


def test_a_key_is_taken_once(field: Any) -> None:
    plan = NewWave(
        key="main-2026",
        series="main",
        year=2026,
        title_zh="t",
        title_en="t",
        instrument_id=field.wave.instrument_id,
    )
    with raises_code("wave_exists"), session_scope(field.url) as session:
        create_wave(work_of(session, OPERATOR, field.now), plan=plan)


def test_an_unknown_wave_is_said_to_be_unknown(field: Any) -> None:
    with read_scope(field.url) as session, raises_code("wave_unknown", match="main-1999"):
        get_wave(session=session, key="main-1999")
    with session_scope(field.url) as session, raises_code("wave_unknown", match="main-1999"):
        close_wave(work_of(session, OPERATOR, field.now), key="main-1999")


def test_a_surveyor_neither_creates_nor_moves_waves(field: Any) -> None:
    with session_scope(field.url) as session:
        with pytest.raises(AccessDeniedError):
            close_wave(work_of(session, field.surveyor, field.now), key="main-2026")
        assert get_wave(session=session, key="main-2026").state is WaveState.OPEN


def test_a_wave_goes_all_the_way_and_may_be_reopened_before_it_is_frozen(field: Any) -> None:
    way = [WaveState.CLOSED, WaveState.OPEN, WaveState.CLOSED]
    for state in way:
        with session_scope(field.url) as session:
            transition_wave(work_of(session, OPERATOR, field.now), key="main-2026", to=state)
    with read_scope(field.url) as session:
        assert get_wave(session=session, key="main-2026").state is WaveState.CLOSED
        moves = session.exec(select(AuditEntry).order_by(col(AuditEntry.id))).all()[2:]
    assert [(m.detail["from"], m.detail["to"]) for m in moves] == list(
        pairwise([WaveState.OPEN, *way])
    )
    with (
        session_scope(field.url) as session,
        raises_code("wave_move_forbidden", match="together with its results"),
    ):
        transition_wave(work_of(session, OPERATOR, field.now), key="main-2026", to=WaveState.FROZEN)
    with session_scope(field.url) as session:
        move_wave(session=session, key="main-2026", to=WaveState.FROZEN, now=field.now)
    with session_scope(field.url) as session, raises_code("wave_move_forbidden", match="release"):
        transition_wave(
            work_of(session, OPERATOR, field.now), key="main-2026", to=WaveState.RELEASED
        )


def test_every_move_outside_the_table_is_refused(field: Any) -> None:
    forbidden = [(a, b) for a, b in product(WaveState, WaveState) if b not in WAVE_TRANSITIONS[a]]
    assert (WaveState.RELEASED, WaveState.OPEN) in forbidden
    for start, to in forbidden:
        with session_scope(field.url) as session:
            wave = get_wave(session=session, key="main-2026")
            set_wave_state(session, wave, start)
            with raises_code("wave_move_forbidden", match=f"is {start} and cannot become {to}"):
                transition_wave(work_of(session, OPERATOR, field.now), key="main-2026", to=to)


def test_opening_twice_is_refused(field: Any) -> None:
    with raises_code("wave_move_forbidden"), session_scope(field.url) as session:
        open_wave(work_of(session, OPERATOR, field.now), key="main-2026")
