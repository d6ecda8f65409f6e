"""Only what has been kept long enough goes, and the audit trail holds counts alone."""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import select

from survey.access.audit import record
from survey.access.principal import OPERATOR
from survey.collection.retention import (
    build_retention_rules,
    clean_up_when_due,
    count_due_rows,
    delete_expired,
    is_due,
)
from survey.collection.withdrawal import withdraw
from survey.settings import Settings
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope, session_scope
from survey.store.private_files import photo_path, save_photo_file
from survey.store.tables import (
    AuditEntry,
    ImportedFile,
    Invitation,
    LoginSession,
    Mode,
    ParkedInterview,
    ParkingReason,
    Photo,
    Response,
    ResponseContact,
    Wave,
    WaveState,
    now,
)
from survey.waves.waves import close_wave
from tests.work_of import work_of

HandIn = Callable[..., tuple[Any, str]]
NOTHING = dict.fromkeys(
    ("phones", "devices", "sessions", "files", "withdrawn", "parked", "photos", "codes"), 0
)
ALL = dict.fromkeys(NOTHING, 1)


@pytest.fixture
def settings(field: Any, tmp_path: Path) -> Settings:
    return Settings(database_url=field.url, data_dir=tmp_path)


def photo(field: Any, sha256: str) -> Photo:
    """A photo whose visit was never sent."""
    return Photo(
        sha256=sha256, sent_sha256="b" * 64, bytes=1, width=1, height=1,
        point_id=field.point.id, received_at=field.now,
    )  # fmt: skip


@pytest.fixture
def world(field: Any, hand_in: HandIn) -> Any:
    """One thing for every rule, all of this moment, in a wave that is frozen."""
    kept, _ = hand_in()
    _, code = hand_in()
    with session_scope(field.url) as session:
        withdraw(session=session, typed=code, now=field.now)
        session.add(ResponseContact(response_id=kept.response_id, sealed="x", left_at=field.now))
        link = session.exec(select(Invitation)).first()
        link.device_sha256 = "d" * 64
        session.add(
            LoginSession(
                secret_sha256="s" * 64,
                account_id=field.surveyor.account_id,
                created_at=field.now,
                expires_at=field.now,
            )
        )
        session.add(
            ParkedInterview(
                client_uuid=uuid4(),
                wave_id=field.wave.id,
                city_code="110000",
                mode=Mode.SELF,
                why=ParkingReason.WAVE_CLOSED,
                instrument_id=field.wave.instrument_id,
                parked_at=field.now,
            )
        )
        session.add(
            ImportedFile(
                wave_id=field.wave.id,
                name="Li Lei 13812345678.csv",
                sha256="f" * 64,
                source="csv",
                written=1,
                duplicates=0,
                rejected=0,
                at=field.now,
            )
        )
        session.add(photo(field, "a" * 64))
        close_wave(work_of(session, OPERATOR, field.now), key=field.wave.key)
        session.get_one(Wave, field.wave.id).state = WaveState.FROZEN
    return field


def counted(field: Any, settings: Settings, at: datetime) -> dict[str, int]:
    with read_scope(field.url) as session:
        return count_due_rows(work_of(session, OPERATOR, settings=settings), at=at)


def cleaned(field: Any, settings: Settings, at: datetime) -> dict[str, int]:
    with session_scope(field.url) as session:
        return delete_expired(work_of(session, OPERATOR, settings=settings), at=at)


def test_nothing_goes_before_its_day(world: Any, settings: Settings) -> None:
    for key, rule in build_retention_rules(settings, world.now).items():
        day_before = world.now + timedelta(days=rule.days) - timedelta(hours=1)
        assert counted(world, settings, day_before)[key] == 0, key


def test_everything_goes_after_its_day_once(world: Any, settings: Settings) -> None:
    late = world.now + timedelta(days=1000)
    expected = {**ALL, "codes": 2}
    assert counted(world, settings, late) == expected
    # The withdrawn interview loses its code by the rule before.
    assert cleaned(world, settings, late) == ALL
    assert cleaned(world, settings, late) == NOTHING
    with read_scope(world.url) as session:
        assert session.exec(select(ResponseContact)).all() == []
        assert session.exec(select(LoginSession)).all() == []
        assert {link.device_sha256 for link in session.exec(select(Invitation))} == {None}
        assert session.exec(select(ImportedFile)).one().name == ""
        responses = session.exec(select(Response)).all()
    assert {each.withdrawal_sha256 for each in responses} == {None}
    assert sum(each.surveyor_id is None for each in responses) == 1


def test_counting_changes_nothing(world: Any, settings: Settings) -> None:
    late = world.now + timedelta(days=1000)
    assert counted(world, settings, late) == counted(world, settings, late)
    with read_scope(world.url) as session:
        assert len(session.exec(select(ResponseContact)).all()) == 1


def test_codes_of_a_wave_that_is_not_frozen_stay(
    field: Any, hand_in: HandIn, settings: Settings
) -> None:
    hand_in()
    assert counted(field, settings, field.now + timedelta(days=5000))["codes"] == 0


def test_periods_are_settings(world: Any) -> None:
    short = Settings(database_url=world.url, keep_phone_days=1)
    assert counted(world, short, world.now + timedelta(days=2))["phones"] == 1


def test_the_trail_holds_counts_and_no_content(world: Any, settings: Settings) -> None:
    cleaned(world, settings, world.now + timedelta(days=1000))
    with read_scope(world.url) as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "retention.run")).one()
    assert entry.detail["deleted"] == ALL
    assert "Li Lei" not in repr(entry.detail)


def test_files_go_with_their_rows_and_those_of_another_store_stay(
    field: Any, settings: Settings
) -> None:
    """Two stores may share a data folder: a database of a test, or one that was restored."""
    files = {
        name: save_photo_file(settings.photo_dir, name.encode())
        for name in ("kept", "forgotten", "of another store")
    }
    for sha256 in files.values():
        os.utime(photo_path(settings.photo_dir, sha256), (0, 0))
    with session_scope(field.url) as session:
        kept = photo(field, files["kept"])
        kept.received_at = now()
        session.add(kept)
        for name in ("kept", "forgotten"):
            record(
                session=session,
                actor=field.surveyor,
                event=AuditEvent.PHOTO_RECEIVED,
                subject_id=uuid4(),
                now=field.now,
                detail={"sha256": files[name]},
            )
    assert clean_up_when_due(settings) == NOTHING
    there = {name for name, sha in files.items() if photo_path(settings.photo_dir, sha).exists()}
    assert there == {"kept", "of another store"}


def test_one_of_many_does_it_once_a_day(field: Any, settings: Settings) -> None:
    assert is_due(settings)
    assert clean_up_when_due(settings) == NOTHING
    assert not is_due(settings)
    assert clean_up_when_due(settings) is None
