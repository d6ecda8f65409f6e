"""A stored wave is assessed city by city, on both databases, to the same flags."""

from __future__ import annotations

import errno
import io
import os
import shutil
import tempfile
from collections import Counter
from datetime import timedelta
from io import BufferedRandom
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlmodel import Session, select

from survey.access.principal import OPERATOR
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.collection.withdrawal import erase_response
from survey.review.quality import assessment, wave_parts
from survey.review.quality.assessment import assess_new_responses, assess_wave
from survey.review.quality.flags import FlagKind
from survey.review.quality.stored_interviews import stored_interviews
from survey.review.quality.wave_parts import WavePart, read_wave_parts
from survey.settings import Settings
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    Invitation,
    Mode,
    Response,
    ResponseFlag,
    ResponseRisk,
    Status,
    new_id,
    table_of,
)
from tests.error_codes import raises_code
from tests.work_of import work_of

if TYPE_CHECKING:
    from tests.conftest import Field

BEIJING, SHANGHAI = "110000", "310000"


@pytest.fixture
def two_cities(field: Field) -> Field:
    """Beijing: one an hour. Shanghai: 14 in one hour, a fast one, and a phone that Beijing saw."""
    with session_scope(field.url) as session:
        links = [_link(field, session, city) for city in (BEIJING, SHANGHAI)]
    rows = [_interview(field, number, BEIJING, hour=number) for number in range(40)]
    rows += [_interview(field, number, SHANGHAI, hour=3) for number in range(14)]
    rows.append(_interview(field, 0, BEIJING, hour=40, invitation_id=links[0]))
    rows.append(
        _interview(field, 0, SHANGHAI, hour=0, invitation_id=links[1], duration_seconds=60.0)
    )
    with session_scope(field.url) as session:
        write_responses(work_of(session, OPERATOR, field.now), wave=field.wave, rows=rows)
    return field


def _link(field: Field, session: Session, city: str) -> UUID:
    point = field.point if city == BEIJING else field.foreign_point
    link = Invitation(
        token_sha256=new_id().hex,
        wave_id=field.wave.id,
        city_code=city,
        point_id=point.id,
        surveyor_id=field.surveyor.account_id,
        expires_at=field.now,
        used_at=field.now,
        device_sha256="the same phone",
    )
    session.add(link)
    session.flush()
    return link.id


def _interview(
    field: Field, number: int, city: str, *, hour: int, **changes: Any
) -> FinishedResponse:
    """An interview of the working hour `hour`, eight of which are a day that begins at 9:00."""
    morning = (field.now - timedelta(days=8)).replace(hour=1, minute=0)
    started = morning + timedelta(days=hour // 8, hours=hour % 8, minutes=number % 40)
    point = field.point if city == BEIJING else field.foreign_point
    person = field.surveyor if city == BEIJING else field.colleague
    given: dict[str, Any] = {
        "client_uuid": new_id(), "city_code": city, "mode": Mode.SELF,
        "status": Status.SUBMITTED, "started_at": started,
        "submitted_at": started + timedelta(minutes=4), "duration_seconds": 240.0,
        "answers": {**field.complete, "quality": 1 + number % 10},
        "point_id": point.id, "surveyor_id": person.account_id,
    }  # fmt: skip
    return FinishedResponse(**{**given, **changes})


def _assess(field: Field) -> assessment.AssessmentSummary:
    with session_scope(field.url) as session:
        return assess_wave(work_of(session, OPERATOR, field.now), wave_key=field.wave.key)


def _stored(field: Field) -> tuple[object, object]:
    with read_scope(field.url) as session:
        flags = {
            (flag.response_id, flag.kind): (flag.strength, flag.detail)
            for flag in session.exec(select(ResponseFlag))
        }
        risks = {
            risk.response_id: (risk.score, risk.pace, risk.mean_score)
            for risk in session.exec(select(ResponseRisk))
        }
    return flags, risks


def test_one_part_or_a_part_a_city_stores_the_same(
    two_cities: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary, whole = _assess(two_cities), _stored(two_cities)
    monkeypatch.setattr(wave_parts, "MIN_PART_INTERVIEWS", 1)
    assert (_assess(two_cities), _stored(two_cities)) == (summary, whole)
    assert summary.interviews == 56
    assert {kind: n for kind, n in summary.flags.items() if n} == {
        FlagKind.SPEED: 1, FlagKind.BURST: 14, FlagKind.SAME_DEVICE: 2,
    }  # fmt: skip
    flags: Any = whole[0]
    counts = Counter(flag[1].get("count") for flag in flags.values())
    assert (counts[14], counts[2]) == (14, 2)


def test_the_background_run_goes_city_by_city_and_finds_the_same(
    two_cities: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    _assess(two_cities)
    whole = _stored(two_cities)
    with session_scope(two_cities.url) as session:
        for table in (ResponseFlag, ResponseRisk):
            for row in session.exec(select(table)):
                session.delete(row)
    monkeypatch.setattr(wave_parts, "MIN_PART_INTERVIEWS", 1)
    monkeypatch.setattr(assessment, "RUN_INTERVAL", timedelta(0))
    assert assess_new_responses(two_cities.url) == 56
    assert _stored(two_cities) == whole
    with session_scope(two_cities.url) as session:
        for flag in session.exec(select(ResponseFlag).where(ResponseFlag.kind == "speed")):
            session.delete(flag)
        missing = session.get_one(ResponseRisk, min(_ids(two_cities, BEIJING)))
        session.delete(missing)
    # Beijing's without a risk, and Shanghai's whose flags came out otherwise
    assert assess_new_responses(two_cities.url) == 2
    assert _stored(two_cities) == whole


def _ids(field: Field, *cities: str) -> set[UUID]:
    with read_scope(field.url) as session:
        return {row.id for row in stored_interviews(session, field.wave.id, cities or None)}


def test_parts_are_whole_cities_and_wait_in_a_file_without_a_name(
    two_cities: Field, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(wave_parts, "MIN_PART_INTERVIEWS", 1)
    monkeypatch.setattr(wave_parts, "current_settings", lambda: Settings(data_dir=tmp_path))
    with read_scope(two_cities.url) as session:
        before = set(tmp_path.iterdir())
        parts = read_wave_parts(session, two_cities.wave.id, two_cities.instrument)
    with parts:
        assert set(tmp_path.iterdir()) == before
        read: list[WavePart] = list(parts)
    assert [part.cities for part in read] == [(BEIJING,), (SHANGHAI,)]
    for part in read:
        assert set(part.interviews.ids) == _ids(two_cities, *part.cities)
    assert sum(len(part.interviews) for part in read) == len(_ids(two_cities)) == 56
    assert parts.norms.interviews == 56
    with pytest.raises(ValueError, match="closed"):
        next(iter(parts))


def test_a_disk_with_too_little_room_is_said_before_anything_is_written(
    two_cities: Field, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Else the interviews that arrive meanwhile would be refused."""
    monkeypatch.setattr(wave_parts, "current_settings", lambda: Settings(data_dir=tmp_path))
    needed = 56 * wave_parts.FREE_BYTES_PER_INTERVIEW

    def leave(free: int) -> None:
        usage = SimpleNamespace(free=free)
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)

    leave(needed - 1)
    for assess in (lambda: _assess(two_cities), lambda: assess_new_responses(two_cities.url)):
        with raises_code("parts_not_written") as refused:
            assess()
        assert f"56 interviews need 1 MB in {tmp_path}" in str(refused.value)
    assert _stored(two_cities) == ({}, {})
    leave(needed)
    assert _assess(two_cities).interviews == 56


@pytest.mark.parametrize("room", [0, 10_000])
def test_a_disk_that_is_full_on_the_way_is_said(
    two_cities: Field, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, room: int
) -> None:
    """A real file that may not grow: what is stored of the wave stays, and nothing is left."""
    summary, whole = _assess(two_cities), _stored(two_cities)
    monkeypatch.setattr(wave_parts, "MIN_PART_INTERVIEWS", 1)
    monkeypatch.setattr(wave_parts, "current_settings", lambda: Settings(data_dir=tmp_path))
    before = set(tmp_path.iterdir())

    def open_small(folder: Path) -> BufferedRandom:
        return BufferedRandom(_SmallFile(tempfile.TemporaryFile(dir=folder, buffering=0), room))

    with monkeypatch.context() as full:
        full.setattr(wave_parts, "_open_nameless_file", open_small)
        with raises_code("parts_not_written", match="No space left on device"):
            _assess(two_cities)
    assert _stored(two_cities) == whole
    assert set(tmp_path.iterdir()) == before
    assert _assess(two_cities) == summary


class _SmallFile(io.FileIO):
    """File on a disk with room for some bytes."""

    def __init__(self, file: io.FileIO, room: int) -> None:
        super().__init__(os.dup(file.fileno()), "r+b")
        self._room = room

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


def test_a_folder_that_refuses_files_is_said(
    two_cities: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> BufferedRandom:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(wave_parts, "_open_nameless_file", refuse)
    with raises_code("parts_not_written", match="Permission denied"):
        _assess(two_cities)


def test_who_withdraws_while_the_wave_is_assessed_gets_no_flag_back(
    two_cities: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever withdraws is told that nothing of the interview is left."""
    known = assessment._read_assessments
    gone: list[UUID] = []

    def withdraw(session: Session, wave_id: UUID, cities: Any) -> Any:
        if not gone:
            with session_scope(two_cities.url) as other:
                responses = table_of(Response)
                in_city = (responses.c.wave_id == wave_id) & (responses.c.city_code == SHANGHAI)
                query = select(responses).where(in_city)
                row = other.connection().execute(query).first()
                assert row is not None
                erase_response(session=other, response=row, now=two_cities.now)
                gone.append(row.id)
        return known(session, wave_id, cities)

    monkeypatch.setattr(assessment, "_read_assessments", withdraw)
    assert assess_new_responses(two_cities.url) > 1
    with read_scope(two_cities.url) as session:
        for table in (ResponseFlag, ResponseRisk):
            kept = session.exec(select(table.response_id)).all()
            assert kept
            assert gone[0] not in kept
