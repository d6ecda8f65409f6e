"""One point after the draw: what the wave's state and the collected interviews allow."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Role
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.store.engine import read_scope, session_scope
from survey.store.tables import AuditEntry, Mode, SamplingPoint, Status, Wave, new_id
from survey.waves.planning.sampling_points import update_point
from survey.waves.waves import close_wave
from tests.error_codes import raises_code
from tests.work_of import work_of

OFFICIAL = Principal(new_id(), "Chen", Role.NATIONAL_OFFICIAL, NATION)


def _change(field: Any, *, principal: Principal = OPERATOR, **wanted: Any) -> tuple[str, ...]:
    given = {"target": 20, "opens_on": None, "closes_on": None, "code": field.point.code, **wanted}
    with session_scope(field.url) as session:
        return update_point(work_of(session, principal, field.now), key="main-2026", **given)


def test_target_and_days_change_and_the_audit_trail_says_from_what(field: Any) -> None:
    day = field.now.date()
    assert _change(field, target=30, closes_on=day) == ("target", "closes_on")
    assert _change(field, target=30, closes_on=day) == ()
    with read_scope(field.url) as session:
        point = session.get_one(SamplingPoint, field.point.id)
        detail = session.exec(
            select(AuditEntry.detail).where(AuditEntry.action == "point.changed")
        ).one()
    assert (point.target, point.opens_on, point.closes_on) == (30, None, day)
    assert detail["from"] == {"target": "20", "closes_on": ""}
    assert detail["to"] == {"target": "30", "closes_on": day.isoformat()}


def test_a_target_never_falls_below_what_was_collected_there(field: Any) -> None:
    rows = [
        FinishedResponse(
            client_uuid=new_id(),
            city_code="110000",
            mode=Mode.IMPORT,
            status=status,
            submitted_at=field.now,
            answers=field.complete,
            point_id=field.point.id,
        )
        for status in (Status.SUBMITTED, Status.SUBMITTED, Status.VOID)
    ]
    with session_scope(field.url) as session:
        wave = session.get_one(Wave, field.wave.id)
        write_responses(work_of(session, OPERATOR, field.now), wave=wave, rows=rows)
    assert _change(field, target=2) == ("target",)
    with raises_code("below_collected", match="2 interviews were collected"):
        _change(field, target=1)


def test_impossible_targets_and_days_are_refused(field: Any) -> None:
    day = field.now.date()
    with session_scope(field.url) as session:
        wave = session.get_one(Wave, field.wave.id)
        wave.closes_on = day
    for wrong in (
        {"target": 0},
        {"target": 9_999_999},
        {"code": "nowhere"},
        {"opens_on": day, "closes_on": day - timedelta(days=1)},
        {"closes_on": day + timedelta(days=1)},
    ):
        with raises_code("point_invalid"):
            _change(field, **wrong)


def test_nobody_else_changes_a_point_and_nobody_that_of_a_wave_that_is_over(field: Any) -> None:
    for stranger in (OFFICIAL, field.surveyor):
        with pytest.raises(AccessDeniedError):
            _change(field, principal=stranger, target=30)
    with session_scope(field.url) as session:
        close_wave(work_of(session, OPERATOR, field.now), key="main-2026")
    with raises_code("wave_fixed", match="Closed"):
        _change(field, target=30)
