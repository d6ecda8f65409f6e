"""Quotas by hand: sums, counts, conflicts, one entry with before and after."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Role
from survey.store.engine import read_scope, session_scope
from survey.store.tables import AuditEntry, QuotaCell, WaveState
from survey.waves.planning.quota_editing import (
    CELL,
    CityQuotas,
    change_city_quotas,
    get_city_quotas,
    list_quota_cities,
)
from survey.waves.waves import transition_wave
from tests.error_codes import raises_code
from tests.work_of import work_of

KEY, CITY = "main-2027", "110000"


def _read(field: Any) -> CityQuotas:
    with read_scope(field.url) as session:
        return get_city_quotas(work_of(session, OPERATOR), key=KEY, city_code=CITY)


def _change(field: Any, seen: CityQuotas, *changes: int, by: Principal = OPERATOR) -> int:
    """Add the changes to the first cells of the city."""
    cells = [quota for quota in seen.quotas if quota.dimension == CELL]
    targets = {cell.id: cell.target + more for cell, more in zip(cells, changes, strict=False)}
    with session_scope(field.url) as session:
        return change_city_quotas(
            work_of(session, by, field.now), key=KEY, seen=seen, targets=targets
        )


def test_two_cells_change_with_one_entry_that_says_before_and_after(planned: Any) -> None:
    before = _read(planned)
    assert _change(planned, before, 3, -3) == 2
    after = _read(planned)
    assert [quota.target for quota in after.quotas[:2]] == [
        before.quotas[0].target + 3,
        before.quotas[1].target - 3,
    ]
    with read_scope(planned.url) as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "quota.changed")).one()
    first = before.quotas[0]
    assert entry.detail["city"] == CITY
    assert entry.detail["from"][first.name] == first.target
    assert entry.detail["to"][first.name] == first.target + 3
    assert len(entry.detail["to"]) == 2


def test_nothing_changed_leaves_no_entry(planned: Any) -> None:
    assert _change(planned, _read(planned), 0) == 0
    with read_scope(planned.url) as session:
        query = select(AuditEntry).where(AuditEntry.action == "quota.changed")
        assert not session.exec(query).all()


def test_quotas_that_leave_no_room_for_the_city_are_refused(planned: Any) -> None:
    seen = _read(planned)
    room = seen.sums({})[CELL] - seen.planned
    cells = [quota.target for quota in seen.quotas if quota.dimension == CELL]
    assert 0 < room < sum(cells[:3])
    first = min(cells[0], room)
    second = min(cells[1], room - first)
    _change(planned, seen, -first, -second, first + second - room)
    assert _read(planned).sums({})[CELL] == seen.planned
    with raises_code("quotas_invalid", match=f"{seen.planned - 1}, fewer than"):
        _change(planned, _read(planned), 0, 0, 0, -1)


def test_a_target_below_what_was_collected_is_refused_in_words(planned: Any) -> None:
    first = _read(planned).quotas[0]
    with session_scope(planned.url) as session:
        session.get_one(QuotaCell, first.id).collected = first.target
    with raises_code("below_collected", match=f"{first.target} interviews"):
        _change(planned, _read(planned), -1, 5)
    assert _change(planned, _read(planned), 1) == 1


@pytest.mark.parametrize("wrong", [-1_000_000, 1_000_000])
def test_targets_outside_the_limits_are_refused(planned: Any, wrong: int) -> None:
    with raises_code("quotas_invalid", match="between 0 and"):
        _change(planned, _read(planned), wrong)


def test_what_a_colleague_changed_meanwhile_is_not_overwritten(planned: Any) -> None:
    seen = _read(planned)
    _change(planned, seen, 1)
    with raises_code("quotas_invalid", match="in the meantime"):
        _change(planned, seen, 2)


def test_a_closed_wave_keeps_its_quotas(planned: Any) -> None:
    for state in (WaveState.OPEN, WaveState.CLOSED):
        with session_scope(planned.url) as session:
            transition_wave(work_of(session, OPERATOR, planned.now), key=KEY, to=state)
    with raises_code("wave_fixed"):
        _change(planned, _read(planned), 1)


def test_who_only_reads_plans_changes_nothing(planned: Any) -> None:
    official = Principal(planned.surveyor.account_id, "O", Role.NATIONAL_OFFICIAL, NATION)
    with read_scope(planned.url) as session:
        assert list_quota_cities(work_of(session, official), key=KEY) == [CITY, "310000"]
    with pytest.raises(AccessDeniedError):
        _change(planned, _read(planned), 1, by=official)
