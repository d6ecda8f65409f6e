"""Answers of a released wave leave the database into a file that was compared, and come back."""

import os
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pyarrow.parquet as pq
import pytest
from sqlalchemy import text
from sqlmodel import select

from survey.access.approval import SecondPersonRequiredError
from survey.access.audit_verify import verify
from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Role
from survey.collection.answer_archive import archiving
from survey.collection.answer_archive.archiving import (
    ArchiveUnreadableError,
    archive_answers,
    file_sha256,
    find_answers_place,
    restore_answers,
)
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.collection.withdrawal import WaveFrozenError, withdraw
from survey.review.back_check.results import get_back_check_results
from survey.review.response_detail import get_response_detail
from survey.settings import Settings
from survey.store.engine import read_scope, session_scope
from survey.store.private_files import is_exposed, list_unfinished_work
from survey.store.response_insert import remove_answers
from survey.store.tables import (
    Account,
    AnswerArchive,
    AuditEntry,
    Mode,
    ResponseRevision,
    Status,
    Wave,
    WaveAct,
    WaveState,
)
from survey.store.transactions import run_in_transaction
from survey.waves.planning.wave_requests import find_open_request, request_act
from survey.waves.waves import NewWave, create_wave, open_wave
from tests.error_codes import raises_code
from tests.wave_states import set_wave_state
from tests.work_of import work_of


class ReleasedWave:
    """A released wave with five interviews."""

    def __init__(self, field: Any, folder: Path) -> None:
        self.url: str = field.url
        self.field, self.wave = field, field.wave
        self.file = folder / "answers.parquet"
        self.ids = self._fill()
        with session_scope(self.url) as session:
            set_wave_state(session, session.get_one(Wave, self.wave.id), WaveState.RELEASED)

    def _fill(self, count: int = 5) -> list[UUID]:
        rows = [
            FinishedResponse(
                client_uuid=uuid4(),
                city_code="110000",
                mode=Mode.ASSISTED,
                status=Status.FROZEN,
                submitted_at=self.field.now,
                answers={**self.field.complete, "comment": f"“{number}” \n 1e5 {number / 7}"},
                timings={"quality": 1.25 + number / 3},
                surveyor_id=self.field.surveyor.account_id,
            )
            for number in range(count)
        ]
        with session_scope(self.url) as session:
            write_responses(work_of(session, OPERATOR, self.field.now), wave=self.wave, rows=rows)
        return [row.id for row in rows]

    def archive(
        self, *, principal: Principal = OPERATOR, two_people: bool = False, out: Path | None = None
    ) -> AnswerArchive:
        return run_in_transaction(
            self.url,
            lambda session: archive_answers(
                work_of(
                    session,
                    principal,
                    self.field.now,
                    settings=Settings(two_person_freeze=two_people),
                ),
                wave_key=self.wave.key,
                out=out or self.file,
                data_dir=self.file.parent,
            ),
            long_running=True,
        )

    def restore(self, source: Path | None = None) -> AnswerArchive:
        return run_in_transaction(
            self.url,
            lambda session: restore_answers(
                work_of(session, OPERATOR, self.field.now),
                wave_key=self.wave.key,
                source=source or self.file,
            ),
            long_running=True,
        )

    def stored(self) -> list[tuple[object, ...]]:
        """Everything in the database of these answers."""
        with read_scope(self.url) as session:
            query = select(ResponseRevision).where(ResponseRevision.wave_id == self.wave.id)
            rows = session.exec(query.order_by(ResponseRevision.id)).all()  # type: ignore[arg-type]
            return [tuple(row.model_dump().values()) for row in rows]

    def open_interview(self) -> None:
        with read_scope(self.url) as session:
            get_response_detail(work_of(session, OPERATOR), response_id=self.ids[0])


@pytest.fixture
def released(field: Any, tmp_path: Path) -> ReleasedWave:
    return ReleasedWave(field, tmp_path)


def _entries(url: str, action: str) -> list[dict[str, Any]]:
    with read_scope(url) as session:
        query = select(AuditEntry.detail).where(AuditEntry.action == action)
        return list(session.exec(query))


def _verify(url: str) -> tuple[int, int, int]:
    """Compared answers, archived ones, and places that are wrong."""
    with read_scope(url) as session:
        report = verify(work_of(session, OPERATOR))
    return report.answers.compared, report.answers.archived, report.wrong


def test_answers_go_into_a_file_and_come_back_as_they_were(released: ReleasedWave) -> None:
    before = released.stored()
    assert len(before) == 5
    archived = released.archive()
    assert released.stored() == []
    assert (archived.rows, archived.file_name) == (5, released.file.name)
    assert archived.file_sha256 == file_sha256(released.file)
    assert not is_exposed(released.file)
    assert pq.read_metadata(released.file).num_rows == 5
    (entry,) = _entries(released.url, "wave.answers_archived")
    assert entry["sha256"] == archived.file_sha256
    assert entry["content_sha256"] == archived.content_sha256
    released.restore()
    assert released.stored() == before
    assert len(_entries(released.url, "wave.answers_restored")) == 1
    again = released.file.with_name("again.parquet")
    assert released.archive(out=again).content_sha256 == archived.content_sha256


def test_a_file_that_cannot_be_written_removes_nothing(
    released: ReleasedWave, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = released.stored()
    with raises_code("archive_not_written", match=r"answers\.parquet cannot be written"):
        released.archive(out=released.file.parent / "nowhere" / "answers.parquet")

    def appear(draft: Path, out: Path) -> None:
        """Another command names its file in this moment."""
        out.write_bytes(b"another archive")
        link(draft, out)

    link = os.link
    monkeypatch.setattr("os.link", appear)
    with raises_code("archive_not_written", match="exists"):
        released.archive()
    assert released.file.read_bytes() == b"another archive"
    assert [path.name for path in released.file.parent.glob(".answers*")] == []
    assert released.stored() == before


def test_the_trail_tells_archived_answers_from_lost_ones(released: ReleasedWave) -> None:
    assert _verify(released.url) == (5, 0, 0)
    released.archive()
    assert _verify(released.url) == (0, 5, 0)
    released.restore()
    assert _verify(released.url) == (5, 0, 0)


def test_a_note_in_the_database_does_not_excuse_lost_answers(released: ReleasedWave) -> None:
    with session_scope(released.url) as session:
        session.add(
            AnswerArchive(
                wave_id=released.wave.id,
                rows=5,
                content_sha256="0" * 64,
                file_sha256="0" * 64,
                file_name="nowhere.parquet",
            )
        )
        session.flush()
        remove_answers(session.connection(), released.wave.id)
    assert _verify(released.url) == (0, 0, 5)


def test_pages_say_in_words_where_the_answers_are(released: ReleasedWave) -> None:
    released.archive()
    with raises_code("answers_archived", match=r"answers\.parquet"):
        released.open_interview()
    with raises_code("answers_archived"), read_scope(released.url) as session:
        get_back_check_results(work_of(session, OPERATOR), wave_id=released.wave.id, city_code=None)
    with read_scope(released.url) as session:
        place = find_answers_place(work_of(session, OPERATOR), wave_key=released.wave.key)
    assert (place.file_name, place.archived_at) == ("answers.parquet", released.field.now)
    released.restore()
    released.open_interview()


def test_other_waves_go_on_meanwhile(released: ReleasedWave) -> None:
    released.archive()
    plan = NewWave(
        key="next",
        series="next",
        year=2027,
        title_zh="n",
        title_en="n",
        instrument_id=released.wave.instrument_id,
    )
    with session_scope(released.url) as session:
        create_wave(work_of(session, OPERATOR, released.field.now), plan=plan)
        released.wave = open_wave(work_of(session, OPERATOR, released.field.now), key="next")
    assert len(released._fill()) == 5
    assert len(released.stored()) == 5


def test_a_withdrawal_is_answered_as_after_every_freeze(
    released: ReleasedWave, hand_in: Any
) -> None:
    with session_scope(released.url) as session:
        set_wave_state(session, session.get_one(Wave, released.wave.id), WaveState.OPEN)
    _, code = hand_in()
    with session_scope(released.url) as session:
        set_wave_state(session, session.get_one(Wave, released.wave.id), WaveState.RELEASED)
    released.archive()
    with pytest.raises(WaveFrozenError), session_scope(released.url) as session:
        withdraw(session=session, typed=code, now=released.field.now)


def test_only_released_waves_and_only_once(released: ReleasedWave) -> None:
    with session_scope(released.url) as session:
        set_wave_state(session, session.get_one(Wave, released.wave.id), WaveState.FROZEN)
    with raises_code("wave_move_forbidden"):
        released.archive()
    with session_scope(released.url) as session:
        set_wave_state(session, session.get_one(Wave, released.wave.id), WaveState.RELEASED)
    with raises_code("not_archived"):
        released.restore(released.file)
    released.archive()
    with raises_code("answers_archived"):
        released.archive(out=released.file.with_name("second.parquet"))


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.NATIONAL_OFFICIAL, Role.ANALYST])
def test_only_administrators_archive(released: ReleasedWave, role: Role) -> None:
    with pytest.raises(AccessDeniedError):
        released.archive(principal=Principal(uuid4(), "x", role, NATION))
    assert len(released.stored()) == 5


def test_an_administrator_requests_it_and_the_operator_does_it(released: ReleasedWave) -> None:
    account, other = (
        Account(login=name, name=name, role=Role.ADMINISTRATOR, area=NATION) for name in "ab"
    )
    with session_scope(released.url) as session:
        session.add_all([account, other])
    with pytest.raises(SecondPersonRequiredError):
        released.archive(two_people=True)
    assert len(released.stored()) == 5
    person = Principal(account.id, account.name, Role.ADMINISTRATOR, NATION)
    with session_scope(released.url) as session:
        request_act(
            work_of(session, person, released.field.now),
            key=released.wave.key,
            act=WaveAct.ARCHIVE,
            options={},
        )
    with pytest.raises(SecondPersonRequiredError):
        released.archive(principal=person, two_people=True)
    released.archive(two_people=True)
    with read_scope(released.url) as session:
        request = find_open_request(work_of(session, OPERATOR), key=released.wave.key)
    assert request is None


def test_nothing_is_removed_when_the_file_reads_otherwise(
    released: ReleasedWave, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        archiving, "read_archive", lambda path, read=archiving.read_archive: list(read(path))[1:]
    )
    with raises_code("archive_mismatch"):
        released.archive()
    assert len(released.stored()) == 5
    assert list(released.file.parent.glob("*answers*")) == []
    assert _entries(released.url, "wave.answers_archived") == []


def test_no_file_is_written_over(released: ReleasedWave) -> None:
    released.file.write_bytes(b"mine")
    with raises_code("archive_exists"):
        released.archive()
    assert released.file.read_bytes() == b"mine"


def test_a_changed_or_foreign_file_is_refused(released: ReleasedWave) -> None:
    released.archive()
    whole = released.file.read_bytes()
    released.file.write_bytes(whole[:-20])
    with pytest.raises(ArchiveUnreadableError):
        released.restore()
    released.file.write_bytes(whole)
    content = pq.read_table(released.file)
    changed = released.file.with_name("changed.parquet")
    pq.write_table(content.slice(0, 4), changed)
    with raises_code("archive_mismatch"):
        released.restore(changed)
    with pytest.raises(ArchiveUnreadableError):
        released.restore(released.file.with_name("missing.parquet"))
    assert released.stored() == []
    released.restore()
    assert len(released.stored()) == 5


@pytest.mark.postgres
def test_on_postgresql_the_partition_is_gone_and_comes_back(released: ReleasedWave) -> None:
    if "sqlite" in released.url:
        pytest.skip("SQLite has no partitions")

    def partitions() -> int:
        with read_scope(released.url) as session:
            query = text(
                "SELECT count(*) FROM pg_inherits WHERE inhparent = 'response_revision'::regclass"
            )
            return int(session.connection().execute(query).scalar_one())

    assert partitions() == 1
    released.archive()
    assert partitions() == 0
    released.restore()
    assert partitions() == 1
    with read_scope(released.url) as session:
        constraints = (
            session.connection()
            .execute(
                text("SELECT count(*) FROM pg_constraint WHERE conrelid = :part ::regclass"),
                {"part": f"response_revision_{released.wave.id.hex}"},
            )
            .scalar_one()
        )
    assert int(constraints) >= 3
    assert len(released.stored()) == 5


def test_a_file_is_noted_until_it_is_complete(
    released: ReleasedWave, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a killed archive would leave answers under a name that nobody looks for."""
    noted: list[str] = []

    def write(path: Path, lines: Any) -> Any:
        notes = released.file.parent.glob(".writing-*")
        noted.extend(note.read_text(encoding="utf-8") for note in notes)
        assert noted == [str(path)]
        assert list_unfinished_work(released.file.parent) == []
        return write_archive(path, lines)

    write_archive = archiving.write_archive
    monkeypatch.setattr(archiving, "write_archive", write)
    released.archive()
    assert noted
    assert [path.name for path in released.file.parent.glob(".*")] == []
