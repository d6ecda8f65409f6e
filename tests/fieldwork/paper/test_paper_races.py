"""Many at once: one first keying a number, one second, one verdict, one response."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from sqlmodel import col, select

from survey.access.principal import Principal
from survey.access.roles import Role
from survey.collection.paper.keying_service import SheetAlreadyKeyedError
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, PaperKeying, Response

PEOPLE = 12


def _crowd(field: Any) -> list[Principal]:
    accounts = [
        Account(login=f"typist-{number}", name="T", role=Role.TYPIST, area="110000")
        for number in range(PEOPLE)
    ]
    with session_scope(field.url) as session:
        session.add_all(accounts)
    return [Principal(each.id, each.name, Role.TYPIST, each.area) for each in accounts]


def _at_once(office: Any, people: list[Principal], round_: int, answers: Any) -> Counter[str]:
    start = Barrier(len(people))

    def key(person: Principal) -> str:
        start.wait()
        try:
            return str(office.key(person, "9", round_, answers=answers).state)
        except SheetAlreadyKeyedError as refusal:
            return refusal.code

    with ThreadPoolExecutor(len(people)) as pool:
        return Counter(pool.map(key, people))


def test_of_many_only_one_is_first_second_and_judge(office: Any, field: Any) -> None:
    office.key_twice()
    people = _crowd(field)
    complete, other = dict(field.complete), dict(field.complete, quality=1)
    assert _at_once(office, people, 1, complete) == {"second": 1, "sheet_taken": PEOPLE - 1}
    assert _at_once(office, people, 2, other) == {"verdict": 1, "sheet_taken": PEOPLE - 1}
    assert _at_once(office, people, 3, other) == {"settled": 1, "sheet_taken": PEOPLE - 1}
    with read_scope(field.url) as session:
        keyings = session.exec(select(PaperKeying).order_by(col(PaperKeying.number))).all()
        assert [keying.number for keying in keyings] == [1, 2, 3]
        assert len({keying.account_id for keying in keyings}) == 3
        assert len(session.exec(select(Response)).all()) == 1


def test_one_keying_sent_by_many_tabs_is_stored_once_and_all_have_its_receipt(
    office: Any, field: Any
) -> None:
    office.key_twice(0)
    keying = office.keying("10")
    start = Barrier(PEOPLE)

    def send(_: int) -> tuple[bool, object]:
        start.wait()
        receipt = office.hand_in(keying, office.wang)
        return receipt.duplicate, receipt.response_id

    with ThreadPoolExecutor(PEOPLE) as pool:
        receipts = list(pool.map(send, range(PEOPLE)))
    assert Counter(duplicate for duplicate, _ in receipts) == {False: 1, True: PEOPLE - 1}
    assert len({response_id for _, response_id in receipts}) == 1
    with read_scope(field.url) as session:
        assert len(session.exec(select(PaperKeying)).all()) == 1
