"""People of an office that keys paper, and what they hand in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.collection.paper.keying import Keying, set_share
from survey.collection.paper.keying_service import KeyingReceipt, submit_keying
from survey.store.engine import session_scope
from survey.store.tables import Account
from tests.work_of import work_of

DAY = date(2026, 5, 19)


@dataclass(frozen=True)
class Office:
    """Three typists and a supervisor of Beijing, and a typist of Shanghai."""

    field: Any
    wang: Principal
    chen: Principal
    sun: Principal
    boss: Principal
    elsewhere: Principal

    def keying(self, serial: str = "123", round_: int = 1, **changes: Any) -> Keying:
        head = {
            "wave": self.field.wave.key, "serial": serial, "round": round_,
            "point_id": self.field.point.id, "surveyor_id": self.field.surveyor.account_id,
            "interview_on": DAY, **changes.pop("head", {}),
        }  # fmt: skip
        return Keying.model_validate(
            {
                "client_uuid": uuid4(),
                "sheet": head,
                "answers": self.field.complete,
                "instrument_sha256": self.field.instrument.sha256,
                **changes,
            }
        )

    def hand_in(self, keying: Keying, person: Principal) -> KeyingReceipt:
        with session_scope(self.field.url) as session:
            return submit_keying(work_of(session, person, self.field.now), keying)

    def key(self, person: Principal, *args: Any, **changes: Any) -> KeyingReceipt:
        return self.hand_in(self.keying(*args, **changes), person)

    def key_twice(self, share: float = 1.0) -> None:
        with session_scope(self.field.url) as session:
            set_share(
                work_of(session, OPERATOR, self.field.now),
                wave_key=self.field.wave.key,
                share=share,
            )


@pytest.fixture
def office(field: Any) -> Office:
    def employ(login: str, role: Role, area: str) -> Account:
        return Account(login=login, name=login.title(), role=role, area=area)

    accounts = [
        employ("wang", Role.TYPIST, "110000"), employ("chen", Role.TYPIST, "110000"),
        employ("sun", Role.TYPIST, "CN"), employ("boss", Role.SUPERVISOR, "110000"),
        employ("elsewhere", Role.TYPIST, "310000"),
    ]  # fmt: skip
    with session_scope(field.url) as session:
        session.add_all(accounts)
    people = [Principal(each.id, each.name, Role(each.role), each.area) for each in accounts]
    return Office(field, *people)


@pytest.fixture
def changed(field: Any) -> Callable[..., dict[str, Any]]:
    """The complete answers with some of them changed; `None` leaves one out."""

    def answers(**changes: Any) -> dict[str, Any]:
        mixed = {**field.complete, **changes}
        return {name: value for name, value in mixed.items() if value is not None}

    return answers
