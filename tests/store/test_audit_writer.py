"""Audit entries are written with their transaction, chained, or not at all."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, InternalError
from sqlmodel import Session, col, select

from survey.access.audit import record, record_many
from survey.access.audit_verify import ChainReport, verify
from survey.access.principal import OPERATOR
from survey.store.audit_events import AuditEvent
from survey.store.engine import engine_for, read_scope, session_scope
from survey.store.tables import Account, AuditEntry, AuditHead, new_id
from survey.store.transactions import StoreUnavailableError, WorkFailed, WorkSucceeded, run_batch
from tests.audit_tampering import disable_triggers, run
from tests.work_of import work_of

NOW = datetime(2026, 5, 20, 3, 0, tzinfo=UTC)


def note(session: Session, subject: str) -> None:
    record(session=session, actor=None, event=AuditEvent.WAVE_CHANGED, subject_id=subject, now=NOW)


def subjects(url: str) -> list[str]:
    """What the entries of the chain are about, in its order."""
    with read_scope(url) as session:
        query = select(AuditEntry.subject_id).order_by(col(AuditEntry.sequence))
        return list(session.exec(query).all())


def checked(url: str) -> ChainReport:
    with read_scope(url) as session:
        return verify(work_of(session, OPERATOR))


def test_entries_are_numbered_in_the_order_in_which_they_were_recorded(store_url: str) -> None:
    with session_scope(store_url) as session:
        note(session, "1")
        record_many(
            session=session,
            actor=OPERATOR,
            event=AuditEvent.WAVE_CHANGED,
            now=NOW,
            subjects={new_id(): {"n": 1.0, "of": [1e20, 0.1]}, new_id(): {"文": "字"}},
        )
    with session_scope(store_url) as session:
        note(session, "4")
    with read_scope(store_url) as session:
        entries = session.exec(select(AuditEntry).order_by(col(AuditEntry.sequence))).all()
        head = session.exec(select(AuditHead)).one()
    assert [entry.sequence for entry in entries] == [1, 2, 3, 4]
    assert (head.sequence, head.hash) == (4, entries[-1].hash)
    assert entries[1].detail == {"by": "operator", "n": 1, "of": [1e20, 0.1]}
    report = checked(store_url)
    assert (report.rows, report.findings) == (4, [])


def test_what_is_rolled_back_leaves_no_entry(store_url: str) -> None:
    with suppress(UndoneError), session_scope(store_url) as session:
        note(session, "gone")
        raise UndoneError
    with read_scope(store_url) as session:
        note(session, "never committed")
    assert subjects(store_url) == []
    assert checked(store_url).is_intact


def test_a_session_that_goes_on_after_a_rollback_forgets_what_was_before(store_url: str) -> None:
    with Session(engine_for(store_url).execution_options(survey_writes=True)) as session:
        note(session, "gone")
        session.rollback()
        note(session, "1")
        session.commit()
        note(session, "2")
        session.commit()
        session.commit()
    assert subjects(store_url) == ["1", "2"]


class UndoneError(Exception):
    pass


@contextmanager
def undone(session: Session) -> Iterator[None]:
    """A savepoint that is rolled back at its end."""
    with suppress(UndoneError), session.begin_nested():
        yield
        raise UndoneError


def test_savepoints_take_their_entries_with_them(store_url: str) -> None:
    with session_scope(store_url) as session:
        note(session, "1")
        with undone(session):
            note(session, "gone")
            with session.begin_nested():
                note(session, "gone with the one around it")
        with session.begin_nested():
            note(session, "2")
            with undone(session):
                note(session, "gone too")
            note(session, "3")
        note(session, "4")
    assert subjects(store_url) == ["1", "2", "3", "4"]
    assert checked(store_url).is_intact


def test_a_flush_that_fails_within_a_savepoint_drops_only_its_own(store_url: str) -> None:
    def twice(session: Session) -> None:
        session.add(Account(login="li", name="Li", role="surveyor", area="CN"))
        session.flush()

    def fail_within(session: Session) -> None:
        with session.begin_nested():
            note(session, "gone")
            twice(session)

    with session_scope(store_url) as session:
        twice(session)
        note(session, "1")
        with pytest.raises(IntegrityError):
            fail_within(session)
        note(session, "2")
    assert subjects(store_url) == ["1", "2"]


def _unit(subject: str, error: Exception | None = None) -> Callable[[Session], str]:
    def work(session: Session) -> str:
        note(session, subject)
        if error:
            raise error
        return subject

    return work


def test_units_that_fail_together_with_others_leave_no_entry(store_url: str) -> None:
    outcomes = run_batch(
        store_url,
        [_unit("1"), _unit("x", KeyError()), _unit("2"), _unit("y", KeyError()), _unit("3")],
    )
    assert [type(outcome) for outcome in outcomes] == [
        WorkSucceeded,
        WorkFailed,
        WorkSucceeded,
        WorkFailed,
        WorkSucceeded,
    ]
    assert subjects(store_url) == ["1", "2", "3"]
    assert checked(store_url).is_intact


def test_units_that_are_run_again_alone_are_entered_once(store_url: str) -> None:
    tries: list[int] = []

    def unlucky(session: Session) -> None:
        note(session, "2")
        tries.append(1)
        if len(tries) == 1:
            raise InternalError("lost", None, Exception())

    run_batch(store_url, [_unit("1"), unlucky, _unit("3")])
    assert subjects(store_url) == ["1", "2", "3"]
    assert checked(store_url).is_intact


def test_a_document_that_is_no_json_fails_where_it_is_recorded(store_url: str) -> None:
    with session_scope(store_url) as session:
        with pytest.raises(TypeError):
            record(
                session=session,
                actor=None,
                event=AuditEvent.WAVE_CHANGED,
                subject_id="s",
                now=NOW,
                detail={"what": object()},
            )
        with pytest.raises(ValueError, match="time zone"):
            record(
                session=session,
                actor=None,
                event=AuditEvent.WAVE_CHANGED,
                subject_id="s",
                now=NOW.replace(tzinfo=None),
            )
        note(session, "1")
    assert subjects(store_url) == ["1"]


def test_what_changes_after_it_was_recorded_is_entered_as_it_was(store_url: str) -> None:
    detail = {"list": [1]}
    with session_scope(store_url) as session:
        record(
            session=session,
            actor=None,
            event=AuditEvent.WAVE_CHANGED,
            subject_id="s",
            now=NOW,
            detail=detail,
        )
        detail["list"].append(2)
    with read_scope(store_url) as session:
        assert session.exec(select(AuditEntry)).one().detail == {"list": [1]}


def test_without_a_head_nothing_is_written_and_every_caller_is_told(store_url: str) -> None:
    with session_scope(store_url) as session:
        disable_triggers(session)
        run(session, "DELETE FROM audit_head")
    outcomes = run_batch(store_url, [_unit("1"), _unit("2")])
    errors = [outcome.error for outcome in outcomes if isinstance(outcome, WorkFailed)]
    assert [type(error) for error in errors] == [StoreUnavailableError] * 2
    assert subjects(store_url) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET action = 'b'",
        "UPDATE audit_entry SET sequence = 9",
        "UPDATE audit_entry SET hash = 'x'",
        "DELETE FROM audit_entry",
        "DELETE FROM audit_head",
        "UPDATE audit_head SET sequence = 0",
        "UPDATE audit_head SET base_sequence = 1, base_hash = 'made up'",
    ],
)
def test_the_database_itself_refuses_to_change_the_trail(store_url: str, statement: str) -> None:
    with session_scope(store_url) as session:
        note(session, "1")
    with pytest.raises(IntegrityError), engine_for(store_url).begin() as connection:
        connection.execute(text(statement))
    assert checked(store_url).is_intact


@pytest.mark.postgres
@pytest.mark.parametrize("table", ["audit_entry", "audit_head"])
def test_the_trail_cannot_be_emptied(postgres_url: str, table: str) -> None:
    with pytest.raises(IntegrityError), engine_for(postgres_url).begin() as connection:
        connection.execute(text(f"TRUNCATE {table}"))


def _write_many(url: str, name: str, count: int) -> None:
    for number in range(count):
        run_batch(
            url,
            [_unit(f"{name}-{number}-a"), _unit("never", KeyError()), _unit(f"{name}-{number}-b")],
        )


_ELSEWHERE = """
import sys
sys.path[:0] = sys.argv[1:3]
from tests.store.test_audit_writer import _write_many
_write_many(sys.argv[3], sys.argv[4], 10)
"""


def test_many_writers_leave_one_unbroken_chain(store_url: str) -> None:
    here = Path(__file__).parent
    others = [
        subprocess.Popen(
            [sys.executable, "-c", _ELSEWHERE, str(here), str(here.parent), store_url, f"p{number}"]
        )
        for number in range(2)
    ]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: _write_many(store_url, f"t{number}", 10), range(4)))
    assert [process.wait() for process in others] == [0, 0]
    subject_ids = subjects(store_url)
    assert len(subject_ids) == len(set(subject_ids)) == 6 * 10 * 2
    assert "never" not in subject_ids
    report = checked(store_url)
    assert (report.rows, report.findings) == (120, [])


def test_a_savepoint_that_is_only_closed_was_never_kept(store_url: str) -> None:
    with session_scope(store_url) as session:
        note(session, "1")
        savepoint = session.begin_nested()
        note(session, "gone")
        savepoint.close()
        note(session, "2")
    assert subjects(store_url) == ["1", "2"]


def test_committing_over_an_open_savepoint_is_no_silent_loss(store_url: str) -> None:
    def careless() -> None:
        with session_scope(store_url) as session:
            note(session, "1")
            session.begin_nested()

    with pytest.raises(RuntimeError, match="savepoint"):
        careless()
    with Session(engine_for(store_url).execution_options(survey_writes=True)) as session:
        note(session, "2")
        session.begin_nested()
        note(session, "3")
        session.commit()
    assert subjects(store_url) == ["2", "3"]
