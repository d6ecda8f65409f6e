"""The people who can sign in to the demo: a thousand surveyors and one account for each role."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from seed.demo.field_plan import SURVEYORS, surveyor_login
from seed.survey_provider import inventor
from survey.access.audit import record
from survey.access.principal import OPERATOR
from survey.access.roles import DEMO_CITY, ROLES, Role, demo_login
from survey.frame.city_frame import FrameCity
from survey.locale import translator
from survey.store.audit_events import AuditEvent
from survey.store.inserts import insert_columns
from survey.store.tables import Account, new_id

TYPISTS = ("何录入", "罗录入")
"""Colleagues of the visitor's typist, who have keyed sheets already."""


def typist_login(number: int) -> str:
    return f"demo-t-{DEMO_CITY}-{number + 1:02d}"


def store_accounts(
    *, session: Session, cities: Sequence[FrameCity], now: datetime
) -> dict[str, UUID]:
    """Write all demo accounts and return their ids by login."""
    invented = inventor(20_240_316)
    names = [invented.name() for _ in range(len(cities) * SURVEYORS)]
    rows = [
        (
            surveyor_login(city.code, number),
            names[place * SURVEYORS + number],
            Role.SURVEYOR.value,
            city.code,
        )
        for place, city in enumerate(cities)
        for number in range(SURVEYORS)
    ]
    rows += [
        (typist_login(number), name, Role.TYPIST.value, DEMO_CITY)
        for number, name in enumerate(TYPISTS)
    ]
    t = translator("zh")
    rows += [
        (demo_login(role), f"演示{t(ROLES[role].name)}", role.value, ROLES[role].demo_area)
        for role in Role
    ]
    ids = [new_id() for _ in rows]
    login, name, role, area = (list(column) for column in zip(*rows, strict=True))
    insert_columns(
        session.connection(),
        Account,
        {"id": ids, "login": login, "name": name, "role": role, "area": area},
        {"is_demo": True, "active": True, "created_at": now},
    )
    record(
        session=session,
        actor=OPERATOR,
        event=AuditEvent.DEMO_ACCOUNTS,
        subject_id="demo",
        now=now,
        detail={"accounts": len(rows)},
    )
    return dict(zip(login, ids, strict=True))
