"""Bases, stations, work on rules: changed with a history, visited, kept by their area alone."""

import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from PIL import Image
from sqlmodel import Session

from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import Role
from survey.access.work import Seen
from survey.collection.photos.photo_storage import PhotoNotFoundError
from survey.compute.photo_cleaning import clean_photo
from survey.education.registers import (
    BASES,
    RULE_WORK,
    STATIONS,
    VISITS,
    EntryPhoto,
    Register,
    add_entry,
    add_visit,
    change_entry,
    list_entries,
    list_entry_steps,
    list_entry_years,
    read_entry_photo,
    take_out_entry,
)
from survey.store.engine import read_scope
from survey.store.tables.registers import BaseData, EntryData, StationData, VisitData
from survey.store.transactions import run_in_transaction
from tests.account_factory import employ_person
from tests.error_codes import raises_code
from tests.records_of import record_of
from tests.work_of import work_of

NOW = datetime(2026, 11, 30, tzinfo=UTC)
BASE = BaseData(
    area="320500",
    name="Hall of fair trade",
    kind="hall",
    named_by="city",
    named_on=date(2023, 3, 15),
    address="1 Guanqian Street",
    for_elderly=True,
    for_minors=False,
    contact="Office of education, 0512-65221234",
)


@pytest.fixture
def city(store_url: str) -> Principal:
    return employ_person(store_url, "city", Role.CITY_OFFICIAL, "320500")


@pytest.fixture
def neighbour(store_url: str) -> Principal:
    return employ_person(store_url, "neighbour", Role.CITY_OFFICIAL, "320200")


def add(url: str, who: Principal, register: Register, data: EntryData) -> UUID:
    return run_in_transaction(
        url, lambda session: add_entry(work_of(session, who, NOW), register=register, data=data)
    )


def change(url: str, who: Principal, entry: UUID, version: int, **new: object) -> None:
    run_in_transaction(
        url,
        lambda session: change_entry(
            work_of(session, who, NOW + timedelta(days=version)),
            Seen(entry, version),
            register=BASES,
            data=BaseData(**{**vars(BASE), **new}),
        ),
    )


def test_a_change_keeps_what_stood_before(
    store_url: str, city: Principal, neighbour: Principal
) -> None:
    entry = add(store_url, city, BASES, BASE)
    change(store_url, city, entry, 1, address="2 Guanqian Street", named_by="province")
    change(store_url, city, entry, 2, address="2 Guanqian Street", named_by="province")
    with raises_code("base_changed"):
        change(store_url, city, entry, 1, name="Another hall")
    with raises_code("base_unknown"):
        change(store_url, neighbour, entry, 2, name="Mine")
    with raises_code("base_refused"):
        change(store_url, city, entry, 2, contact="Wang, 138 1234 5678")
    with read_scope(store_url) as session:
        work = work_of(session, city, NOW)
        (found,) = list_entries(work, register=BASES, area="CN")
        added, changed = list_entry_steps(work, register=BASES, entry_id=entry)
        with raises_code("base_unknown"):
            list_entry_steps(work_of(session, neighbour, NOW), register=BASES, entry_id=entry)
    assert (found.seen, found.data.address) == (Seen(entry, 2), "2 Guanqian Street")
    assert (added.action, added.detail["address"]) == ("register.added", "1 Guanqian Street")
    assert changed.action == "register.changed"
    assert changed.detail["from"] == {"address": "1 Guanqian Street", "named_by": "city"}
    assert changed.detail["to"] == {"address": "2 Guanqian Street", "named_by": "province"}


def test_an_entry_does_not_move_to_another_area(store_url: str, city: Principal) -> None:
    entry = add(store_url, city, BASES, BASE)
    change(store_url, city, entry, 1, area="320200", name="Hall of fairer trade")
    with read_scope(store_url) as session:
        (found,) = list_entries(work_of(session, city, NOW), register=BASES, area="CN")
    assert (found.data.area, found.data.name) == ("320500", "Hall of fairer trade")


def test_a_visit_belongs_to_its_base_and_shows_its_photo_to_who_keeps_it(
    store_url: str, city: Principal, neighbour: Principal, tmp_path: Path
) -> None:
    base = add(store_url, city, BASES, BASE)
    sent = io.BytesIO()
    Image.radial_gradient("L").save(sent, "JPEG")
    photo = EntryPhoto(clean_photo(sent.getvalue()), tmp_path)
    draft = VisitData(
        area="320200", base_id=base, visited_on=date(2026, 5, 4), found="Closed at ten."
    )

    def visit(who: Principal, day: date = draft.visited_on) -> UUID:
        data = VisitData.of(draft, visited_on=day)
        return run_in_transaction(
            store_url, lambda session: add_visit(work_of(session, who, NOW), data=data, photo=photo)
        )

    visit(city)
    visit(city, date(2026, 9, 1))
    with raises_code("base_unknown"):
        visit(neighbour)
    with raises_code("visit_refused"):
        visit(city, date(2027, 1, 1))
    with read_scope(store_url) as session:
        newest, first = list_entries(work_of(session, city, NOW), register=VISITS, area="320500")
        assert (newest.data.visited_on, first.data.area) == (date(2026, 9, 1), "320500")
        given = {"folder": tmp_path, "photo_id": first.photo_id}
        assert read_entry_photo(work_of(session, city, NOW), **given).width > 0
        with pytest.raises(PhotoNotFoundError):
            read_entry_photo(work_of(session, neighbour, NOW), **given)

    def take_out(session: Session) -> None:
        work = work_of(session, city, NOW)
        take_out_entry(work, Seen(base, 1), register=BASES, reason="closed for good")

    run_in_transaction(store_url, take_out)
    with raises_code("base_refused"):
        visit(city, date(2026, 10, 1))
    with raises_code("base_refused"):
        change(store_url, city, base, 2, name="Another hall")


def test_stations_and_work_on_rules_have_years_and_only_their_area_writes(
    store_url: str, city: Principal, neighbour: Principal
) -> None:
    analyst = employ_person(store_url, "analyst", Role.ANALYST, "CN")
    for register, field, values in (
        (STATIONS, "year", (2025, 2024, 2025)),
        (RULE_WORK, "done_on", (date(2025, 1, 1), date(2025, 12, 31), date(2024, 5, 1))),
    ):
        for value in values:
            add(
                store_url, city, register, record_of(register.data, area="320500", **{field: value})
            )
        with read_scope(store_url) as session:
            work = work_of(session, analyst, NOW)
            assert list_entry_years(work, register=register, area="32") == [2025, 2024]
            assert list_entry_years(work, register=register, area="31") == []
            found = list_entries(work, register=register, area="320500", year=2025)
            assert (len(found), {each.may_change for each in found}) == (2, {False})
        with pytest.raises(AccessDeniedError):
            add(store_url, neighbour, register, record_of(register.data, area="320500"))
        with pytest.raises(AccessDeniedError):
            add(store_url, analyst, register, record_of(register.data, area="320500"))
    with raises_code("station_refused"):
        add(store_url, city, STATIONS, record_of(StationData, area="320500", year=2027))
