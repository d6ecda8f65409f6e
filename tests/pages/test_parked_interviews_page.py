"""Late interviews on the review page: in sight when they wait, and decided on with a reason."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.collection.parking import ParkingReceipt, submit_or_park
from survey.collection.submission_envelope import Submission
from survey.kit.navigation import PageKey
from survey.store.engine import read_scope, session_scope
from survey.store.tables import ParkedInterview, Response
from survey.waves.waves import close_wave
from tests.work_of import work_of

Read = Callable[[AppTest], str]


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def supervisor(employ: Any) -> Principal:
    person: Principal = employ(Role.SUPERVISOR, "110000")
    return person


@pytest.fixture
def parked(field: Any) -> UUID:
    sent = Submission(
        client_uuid=uuid4(),
        point_id=field.point.id,
        answers=field.complete,
        instrument_sha256=field.instrument.sha256,
        started_at=field.now - timedelta(minutes=6),
        finished_at=field.now,
    )
    with session_scope(field.url) as session:
        close_wave(work_of(session, OPERATOR, field.now), key="main-2026")
        receipt = submit_or_park(
            session=session, submission=sent, principal=field.surveyor, now=field.now
        )
    assert isinstance(receipt, ParkingReceipt)
    return receipt.parked_id


def test_without_late_interviews_the_page_is_the_queue(
    visit_as: Any, supervisor: Principal, read: Read
) -> None:
    assert "Late interviews" not in read(visit_as(PageKey.REVIEW, supervisor))
    page = visit_as(PageKey.REVIEW, supervisor, part="late")
    assert "No late interview waits" in read(page)


def test_it_is_accepted_with_a_reason_and_not_without(
    visit_as: Any, supervisor: Principal, parked: UUID, read: Read, field: Any
) -> None:
    assert "Late interviews to decide on: 1" in read(visit_as(PageKey.HOME, supervisor))
    choice = visit_as(PageKey.REVIEW, supervisor).button_group(key="part/en")
    assert choice.options == ["Review queue", "Late interviews to decide on (1)"]
    page = visit_as(PageKey.REVIEW, supervisor, part="late")
    assert "The wave was closed when the answers arrived" in str(page.table[0].value)
    page.button(key=f"late-accept-{parked}").click().run()
    assert "Please write the reason down." in read(page)
    page.text_input(key=f"late/note/{parked}").input("no network in the mall")
    page.button(key=f"late-accept-{parked}").click().run()
    assert not page.exception
    with read_scope(field.url) as session:
        assert session.exec(select(Response)).one().status == "submitted"
        assert session.get_one(ParkedInterview, parked).answers == {}


def test_it_is_discarded_with_its_answers(
    visit_as: Any, supervisor: Principal, parked: UUID, read: Read, field: Any
) -> None:
    page = visit_as(PageKey.REVIEW, supervisor, part="late")
    page.text_input(key=f"late/note/{parked}").input("a second time")
    page.button(key=f"late-discard-{parked}").click().run()
    assert "No late interview waits" in read(page)
    with read_scope(field.url) as session:
        assert session.exec(select(Response)).all() == []
        assert session.get_one(ParkedInterview, parked).answers == {}


def test_in_another_city_nothing_of_it_is_seen(
    visit_as: Any, employ: Any, parked: UUID, read: Read
) -> None:
    other = employ(Role.SUPERVISOR, "310000")
    assert "Late interviews" not in read(visit_as(PageKey.REVIEW, other))
    page = visit_as(PageKey.REVIEW, other, part="late", late=str(parked))
    assert "No late interview waits" in read(page)
