"""Who finds and locks the rows of every table whose rows belong to an area."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session

from survey.access import principal as access
from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import ROLES, Action, Role
from survey.access.work import Case, Owned, Seen
from survey.locale import NotFoundError
from survey.store.engine import read_scope
from survey.store.tables import (
    BaseVisit,
    Delivery,
    DeliveryKind,
    EducationBase,
    TraderHearing,
    TraderList,
    TraderTotal,
    VenueCheck,
    Wave,
    WaveState,
)
from survey.store.transactions import run_in_transaction
from survey.waves.instruments import save_instrument
from tests.access.service_discovery import PACKAGES
from tests.context.experience_checks.small_check import checklist
from tests.error_codes import raises_code
from tests.records_of import record_of
from tests.work_of import work_of

NOW = datetime(2026, 5, 20, 3, 0, tzinfo=UTC)
AREA = "32"


def owned_tables() -> dict[str, Owned[Any]]:
    """Every rule there is, found by looking."""
    found = {}
    for room in PACKAGES:
        package = importlib.import_module(f"survey.{room}")
        for module in pkgutil.walk_packages(package.__path__, f"survey.{room}."):
            if "__main__" not in module.name:
                for each in vars(importlib.import_module(module.name)).values():
                    if isinstance(each, Owned):
                        found[each.name] = each
    return found


def make_check(session: Session, *, is_demo: bool) -> UUID:
    wave = Wave(
        key="dining", series="venue_checks", year=2026, title_zh="餐饮", title_en="Dining",
        state=WaveState.PLANNED, composite="none", is_demo=is_demo, unit="venue",
        instrument_id=save_instrument(session=session, instrument=checklist()),
    )  # fmt: skip
    session.add(wave)
    session.flush()
    session.add(VenueCheck(wave_id=wave.id, area=AREA, scenario="Buy something."))
    return wave.id


def make_visit(session: Session, *, is_demo: bool) -> UUID:
    base = record_of(EducationBase, area=AREA, is_demo=is_demo)
    session.add(base)
    session.flush()
    visit = record_of(BaseVisit, area=AREA, is_demo=is_demo, base_id=base.id)
    session.add(visit)
    return visit.id


def make_trader(session: Session, *, is_demo: bool) -> UUID:
    delivery = Delivery(
        kind=DeliveryKind.COMPLAINTS, external_id="cases", source="315", data_as_of=NOW.date(),
        code_version="2024", area=AREA, sha256="0" * 64, row_count=12, is_demo=is_demo,
    )  # fmt: skip
    session.add(delivery)
    session.flush()
    listed = TraderList(
        delivery_id=delivery.id, area=AREA, year=2025, names_of="trader", cases=40, is_demo=is_demo
    )
    session.add(listed)
    session.flush()
    total = TraderTotal(list_id=listed.id, area=AREA, is_demo=is_demo, name="Example", cases=12)
    session.add(total)
    session.flush()
    return total.id


def make_hearing(session: Session, *, is_demo: bool) -> UUID:
    hearing = TraderHearing(
        total_id=make_trader(session, is_demo=is_demo), area=AREA, is_demo=is_demo,
        sent_on=date(2026, 5, 1), due_on=date(2026, 5, 12),
    )  # fmt: skip
    session.add(hearing)
    session.flush()
    return hearing.id


OF_TWO_TABLES = {
    "experience_check": make_check,
    "visit": make_visit,
    "trader": make_trader,
    "trader_hearing": make_hearing,
}
OWNED = owned_tables()


def store(url: str, owned: Owned[Any], *, is_demo: bool = False) -> UUID:
    def add(session: Session) -> UUID:
        if owned.name in OF_TWO_TABLES:
            return OF_TWO_TABLES[owned.name](session, is_demo=is_demo)
        row = record_of(owned.table, area=AREA, is_demo=is_demo)
        session.add(row)
        return row.id

    return run_in_transaction(url, add)


def person(area: str, *, is_demo: bool = False) -> Principal:
    return Principal(uuid4(), "Wu", Role.PROVINCE_OFFICIAL, area, is_demo)


def is_found(url: str, owned: Owned[Any], row_id: UUID, who: Principal) -> bool:
    """Whether a person who keeps such rows finds this one; a case is locked by the same people."""
    with read_scope(url) as session:
        work = work_of(session, who, NOW)
        try:
            work.find(owned, row_id, owned.keeping)
        except NotFoundError:
            for attempt in [lambda: work.find(owned, row_id), *_locks(work, owned, row_id)]:
                with raises_code(f"{owned.name}_unknown"):
                    attempt()
            return False
        for lock in _locks(work, owned, row_id):
            lock()
    return True


def _locks(work: Any, owned: Owned[Any], row_id: UUID) -> list[Callable[[], object]]:
    if not isinstance(owned, Case):
        return []
    seen, states = Seen(row_id, 1), list(owned.states)
    return [lambda: work.lock(owned, seen, states), lambda: work.get(owned, seen, states)]


@pytest.fixture(autouse=True)
def _every_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rights differ from table to table; whose area a row lies in is the same for all."""
    _give(monkeypatch, frozenset(Action))


def _give(monkeypatch: pytest.MonkeyPatch, actions: frozenset[Action]) -> None:
    roles = {role: replace(known, actions=actions) for role, known in ROLES.items()}
    monkeypatch.setattr(access, "ROLES", roles)


def test_rules_are_found() -> None:
    assert {"activity", "base", "station", "comparative_test", "experience_check"} <= OWNED.keys()


@pytest.mark.parametrize("owned", OWNED.values(), ids=OWNED)
def test_nobody_finds_or_locks_anything(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, owned: Owned[Any]
) -> None:
    row_id = store(sqlite_url, owned)
    _give(monkeypatch, frozenset())
    with read_scope(sqlite_url) as session:
        work = work_of(session, person(AREA), NOW)
        attempts = [lambda: work.find(owned, row_id), lambda: work.find(owned, uuid4())]
        for attempt in [*attempts, *_locks(work, owned, row_id)]:
            with pytest.raises(AccessDeniedError):
                attempt()


@pytest.mark.parametrize("owned", OWNED.values(), ids=OWNED)
def test_the_own_area_is_found_and_that_of_a_stranger_is_not(
    store_url: str, owned: Owned[Any]
) -> None:
    row_id = store(store_url, owned)
    assert is_found(store_url, owned, row_id, person(AREA))
    assert is_found(store_url, owned, row_id, person("CN"))
    for area in ("31", "320500", "3", "310000"):
        assert not is_found(store_url, owned, row_id, person(area))
    assert not is_found(store_url, owned, uuid4(), person("CN"))
    assert not is_found(store_url, owned, row_id, person("CN", is_demo=True))


@pytest.mark.parametrize("owned", OWNED.values(), ids=OWNED)
def test_a_demonstration_finds_its_own(sqlite_url: str, owned: Owned[Any]) -> None:
    row_id = store(sqlite_url, owned, is_demo=True)
    assert is_found(sqlite_url, owned, row_id, person(AREA, is_demo=True))
    assert not is_found(sqlite_url, owned, row_id, person("31", is_demo=True))


CASES = {name: owned for name, owned in OWNED.items() if isinstance(owned, Case)}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_lock_reads_afresh_and_takes_the_version_and_the_state_that_were_named(
    store_url: str, case: Case[Any]
) -> None:
    """What the session read before is an earlier version, which it would write over."""
    row_id = store(store_url, case)
    with read_scope(store_url) as session:
        work = work_of(session, person(AREA), NOW)
        before = work.find(case, row_id, case.keeping)
        version = before.lock_version
        session.connection().execute(
            case.table.__table__.update().values(lock_version=version + 1)  # type: ignore[attr-defined]
        )
        with raises_code(f"{case.name}_changed"):
            work.lock(case, Seen(row_id, version), list(case.states))
        locked = work.lock(case, Seen(row_id, version + 1), list(case.states))
        assert (locked is before, locked.lock_version) == (True, version + 1)
        with raises_code(case.refused):
            work.lock(case, Seen(row_id, version + 1), ())
