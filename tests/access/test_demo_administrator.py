"""The administrator of a demonstration looks at everything; no change of a service gets through."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import Session, select

from survey.access.audit import record
from survey.access.principal import DemoReadOnlyError, Principal
from survey.access.roles import NATION, Role
from survey.store.audit_events import AuditEvent
from survey.store.engine import engine_for, read_scope, session_scope
from survey.store.tables import Account, AuditEntry, get_metadata
from survey.waves.dual_approval import set_single_approval
from tests.access.test_every_service import ASKED, Place, arguments, place
from tests.work_of import work_of

__all__ = ["place"]
READING = {"audit_entry", "audit_head"}


@pytest.fixture
def onlooker(place: Place) -> Principal:
    with session_scope(place.url) as session:
        account = session.exec(select(Account).where(Account.login == "demo-administrator")).first()
        if account is None:
            account = Account(
                login="demo-administrator",
                name="Demo",
                role=Role.ADMINISTRATOR,
                area=NATION,
                is_demo=True,
            )
            session.add(account)
            session.flush()
        return Principal(account.id, account.name, Role.ADMINISTRATOR, NATION, is_demo=True)


def content(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table except the audit trail, which holds what was looked at."""
    with engine_for(url).connect() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in get_metadata().sorted_tables
            if table.name not in READING
        }


def entries(url: str) -> list[str]:
    with read_scope(url) as session:
        return list(session.exec(select(AuditEntry.action)))


@pytest.mark.slow
def test_no_service_changes_anything_for_it(place: Place, onlooker: Principal) -> None:
    before, trail = content(place.url), entries(place.url)
    for service in ASKED:
        with Session(engine_for(place.url)) as session, suppress(Exception):
            result = service.function(**arguments(service, place, session, onlooker))
            if isinstance(result, Iterator):
                list(result)
            session.commit()
        assert content(place.url) == before, service.name
    assert entries(place.url) == trail


def test_the_same_change_gets_through_for_an_administrator(place: Place) -> None:
    """Or the test above could not fail."""
    real = Principal(UUID(int=7), "Real", Role.ADMINISTRATOR, NATION)
    before = content(place.url)
    with session_scope(place.url) as session:
        set_single_approval(
            work_of(session, real, place.given["now"]),
            allowed=True,
            wave_key=place.given["wave_key"],
        )
    assert content(place.url) != before


@pytest.mark.parametrize("event", AuditEvent)
def test_it_leaves_entries_of_reading_alone(
    place: Place, onlooker: Principal, event: AuditEvent
) -> None:
    reading = event.value.partition(".")[0] in {"session", "view", "export"}
    with Session(engine_for(place.url)) as session:
        try:
            record(
                session=session, actor=onlooker, event=event, subject_id="x", now=place.given["now"]
            )
        except DemoReadOnlyError:
            assert not reading
        else:
            assert reading
        session.rollback()
