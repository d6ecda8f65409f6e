"""The register of consumer education, on both databases, and what reaching a consumer costs."""

import io
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sqlmodel import Session, select

from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import Role
from survey.access.work import Seen
from survey.collection.photos.photo_storage import PhotoNotFoundError
from survey.compute.photo_cleaning import clean_photo
from survey.education.costs import cost_per_consumer, cost_per_participant
from survey.education.registers import (
    ACTIVITIES,
    EntryPhoto,
    add_entry,
    list_entries,
    read_entry_photo,
    take_out_entry,
)
from survey.store.engine import read_scope
from survey.store.tables import Account, AuditEntry
from survey.store.tables.registers import ActivityData
from survey.store.transactions import run_in_transaction
from tests.error_codes import raises_code
from tests.work_of import work_of

NOW = datetime(2026, 5, 20, 3, 0, tzinfo=UTC)
TALK = ActivityData(
    area="320500",
    title="Talk on prepaid cards",
    place="Library",
    held_on=date(2026, 4, 1),
    form="talk",
    audience="elderly",
    participants=80,
    cost_fen=120_000,
)


def employ(url: str, role: Role, area: str) -> Principal:
    def store(session: Session) -> Principal:
        account = Account(login=f"{role}-{area}", name="Wu", role=role, area=area)
        session.add(account)
        session.flush()
        return Principal(account.id, account.name, role, area)

    return run_in_transaction(url, store)


def test_an_activity_is_entered_read_and_taken_out(store_url: str, tmp_path: Path) -> None:
    official = employ(store_url, Role.CITY_OFFICIAL, "320500")
    neighbour = employ(store_url, Role.CITY_OFFICIAL, "320200")
    reader = employ(store_url, Role.ANALYST, "CN")
    target = io.BytesIO()
    Image.radial_gradient("L").save(target, "JPEG")
    sent = target.getvalue()
    activity = run_in_transaction(
        store_url,
        lambda session: add_entry(
            work_of(session, official),
            register=ACTIVITIES,
            data=TALK,
            photo=EntryPhoto(clean_photo(sent), tmp_path),
        ),
    )
    with read_scope(store_url) as session:
        for area, count in (("CN", 1), ("32", 1), ("320500", 1), ("320200", 0)):
            found = list_entries(
                work_of(session, reader), register=ACTIVITIES, year=2026, area=area
            )
            assert len(found) == count
        assert (
            list_entries(work_of(session, reader), register=ACTIVITIES, year=2025, area="CN") == []
        )
        entry = list_entries(work_of(session, official), register=ACTIVITIES, year=2026, area="CN")[
            0
        ]
        assert (entry.data, entry.may_change) == (TALK, True)
        assert entry.photo_id is not None
        given_ = {"folder": tmp_path, "photo_id": entry.photo_id}
        assert read_entry_photo(work_of(session, official), **given_).width > 0
        with pytest.raises(PhotoNotFoundError):
            read_entry_photo(work_of(session, neighbour), **given_)
        with pytest.raises(AccessDeniedError):
            read_entry_photo(work_of(session, reader), **given_)

    def take_out(person: Principal, reason: str) -> None:
        run_in_transaction(
            store_url,
            lambda session: take_out_entry(
                work_of(session, person), Seen(activity, 1), register=ACTIVITIES, reason=reason
            ),
        )

    with raises_code("activity_unknown"):
        take_out(neighbour, "not mine")
    with raises_code("activity_refused"):
        take_out(official, " ")
    take_out(official, "entered twice")
    with raises_code("activity_changed"):
        take_out(official, "entered twice")
    with read_scope(store_url) as session:
        assert (
            list_entries(work_of(session, reader), register=ACTIVITIES, year=2026, area="CN") == []
        )
        actions = set(session.exec(select(AuditEntry.action)))
    assert {"education.added", "education.taken_out", "photo.received"} <= actions


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": "x"},
        {"place": ""},
        {"form": "song"},
        {"audience": "nobody"},
        {"held_on": date(2026, 6, 1)},
        {"participants": 0},
        {"cost_fen": -1},
    ],
)
def test_what_cannot_be_is_refused(sqlite_url: str, wrong: dict[str, object]) -> None:
    official = employ(sqlite_url, Role.CITY_OFFICIAL, "320500")
    with raises_code("activity_refused"):
        run_in_transaction(
            sqlite_url,
            lambda session: add_entry(
                work_of(session, official),
                register=ACTIVITIES,
                data=ActivityData(**{**vars(TALK), **wrong}),
            ),
        )


def test_only_the_own_area_is_written(sqlite_url: str) -> None:
    for role, area in ((Role.CITY_OFFICIAL, "320200"), (Role.ANALYST, "320500")):
        person = employ(sqlite_url, role, area)
        with pytest.raises(AccessDeniedError):
            run_in_transaction(
                sqlite_url,
                lambda session, person=person: add_entry(
                    work_of(session, person), register=ACTIVITIES, data=TALK
                ),
            )


def test_costs_by_hand() -> None:
    assert cost_per_participant(120_000, 80) == 15
    assert cost_per_participant(120_000, 0) is None
    found = cost_per_consumer(1_000_000, 50_000, 40, 32, 50)
    assert found is not None
    assert (found.yuan, found.low, found.high) == (0.5, 0.4, 0.625)
    assert cost_per_consumer(1_000_000, 50_000, None, None, None) is None
    assert cost_per_consumer(1_000_000, 50_000, 2, 0, 5) is None


@given(st.integers(0, 10**9), st.floats(1_000, 3e7), st.floats(1, 99), st.floats(0.01, 0.9))
def test_the_interval_holds_the_cost(cost: int, people: float, share: float, width: float) -> None:
    """A higher share costs less by consumer, so the ends of the interval change places."""
    found = cost_per_consumer(cost, people, share, share * (1 - width), share + width)
    assert found is not None
    assert found.low <= found.yuan <= found.high
