"""Stored answers: the database refuses to change them, and a change all the same is found."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlmodel import Session, col, select

from survey.access.answer_verify import seal_stored_answers
from survey.access.audit_verify import ChainReport, verify
from survey.access.principal import OPERATOR, AccessDeniedError
from survey.collection.correction import resubmit
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.collection.submission import submit
from survey.collection.submission_envelope import Submission
from survey.collection.withdrawal import erase_withdrawn_in_review, withdraw
from survey.review.decisions import decide, decide_many, preview_bulk_decision
from survey.review.review_queue import ReviewFilter
from survey.review.undo import undo_decision
from survey.store import audit_chain
from survey.store.audit_chain import HASH, PLACE, answers_sha256, place_sha256
from survey.store.engine import engine_for, read_scope, session_scope
from survey.store.tables import (
    AuditEntry,
    Mode,
    QuotaCell,
    Response,
    ResponseRevision,
    Status,
    Wave,
)
from survey.waves.lifecycle import transition
from survey.waves.personal_data import hash_code
from survey.waves.review_reasons import ReasonCode, ReviewReason
from tests.audit_tampering import disable_triggers
from tests.work_of import work_of

CODE = "01181178239467452634"
REFUSED = "stored answers are neither changed nor removed"


def handed_in(field: Any, **changes: Any) -> UUID:
    sent = Submission.model_validate(
        {
            "client_uuid": uuid4(), "point_id": field.point.id,
            "instrument_sha256": field.instrument.sha256,
            "started_at": field.now - timedelta(minutes=6), "answers": field.complete, **changes,
        }
    )  # fmt: skip
    with session_scope(field.url) as session:
        return submit(
            session=session, submission=sent, now=field.now, principal=field.surveyor
        ).response_id


def imported(
    field: Any, count: int, weight: float | None = None, **placed: UUID | None
) -> list[UUID]:
    rows = [
        FinishedResponse(
            client_uuid=uuid4(),
            city_code="110000",
            mode=Mode.IMPORT,
            status=Status.APPROVED,
            submitted_at=field.now,
            answers={**field.complete, "comment": f"no. {number}"},
            given_weight=weight,
            **placed,
        )
        for number in range(count)
    ]
    with session_scope(field.url) as session:
        write_responses(work_of(session, OPERATOR, field.now), wave=field.wave, rows=rows)
    return [row.id for row in rows]


def corrected(field: Any, response: UUID) -> None:
    with session_scope(field.url) as session:
        transition(
            work_of(session, OPERATOR, field.now),
            response_id=response,
            to=Status.RETURNED,
            reason="look again",
            expected_version=1,
        )
    with session_scope(field.url) as session:
        resubmit(
            work_of(session, field.surveyor, field.now),
            response_id=response,
            answers={**field.complete, "birth_year": 1980},
            note="asked again",
            expected_version=2,
        )


def checked(url: str) -> ChainReport:
    with read_scope(url) as session:
        return verify(work_of(session, OPERATOR))


def findings(report: ChainReport) -> list[str]:
    return [str(finding.text) for finding in report.findings]


def tampered(url: str, statement: str, **values: Any) -> ChainReport:
    """What verify says of a change that the owner of the database makes; it is not kept."""
    with read_scope(url) as session:
        disable_triggers(session)
        sqlite = session.get_bind().dialect.name == "sqlite"
        shown = {
            name: value.hex if sqlite and isinstance(value, UUID) else value
            for name, value in values.items()
        }
        assert session.connection().execute(text(statement), shown).rowcount
        return verify(work_of(session, OPERATOR))


def test_every_way_in_leaves_the_hash_of_the_answers(field: Any) -> None:
    plain = handed_in(field)
    handed_in(field, answers={"consent": "no"})
    corrected(field, plain)
    imported(field, 5)
    report = checked(field.url)
    assert report.is_intact, findings(report)
    assert report.answers.compared == 8
    with read_scope(field.url) as session:
        stored = {
            (row.response_id, row.number): row.answers
            for row in session.exec(select(ResponseRevision))
        }
        entries = session.exec(select(AuditEntry).order_by(col(AuditEntry.sequence))).all()
    held = {entry.action: entry.detail for entry in entries if HASH in entry.detail}
    assert held["response.corrected"][HASH] == answers_sha256(stored[plain, 2])
    assert held["response.corrected"]["revision"] == 2
    assert len(held["responses.sealed"][HASH]) == 5
    submitted = next(
        entry for entry in entries if entry.subject_id == str(plain) and HASH in entry.detail
    )
    assert submitted.detail[HASH] == answers_sha256(stored[plain, 1])


def test_a_changed_answer_is_found_and_the_interview_named(field: Any) -> None:
    first, second = handed_in(field), handed_in(field)
    (of_import, *_) = imported(field, 3)
    forged = orjson.dumps({**field.complete, "birth_year": 1950}).decode()
    for response in (second, of_import):
        report = tampered(
            field.url,
            "UPDATE response_revision SET answers = :answers WHERE response_id = :id",
            answers=forged,
            id=response,
        )
        assert [str(response) in finding for finding in findings(report)] == [True]
        assert "not those that came in" in findings(report)[0]
        assert report.findings[0].first > 0
        assert report.answers.compared == 5
    assert str(first) not in "".join(findings(report))
    gone = tampered(field.url, "DELETE FROM response_revision WHERE response_id = :id", id=second)
    assert f"interview {second} (revision 1) are gone" in findings(gone)[0]
    assert checked(field.url).is_intact


def test_a_changed_weight_is_found_and_the_interview_named(field: Any) -> None:
    (first, *_) = imported(field, 3, weight=1.25)
    assert checked(field.url).is_intact
    for weight in (1.5, None):
        report = tampered(
            field.url,
            "UPDATE response SET given_weight = :weight WHERE id = :id",
            weight=weight,
            id=first,
        )
        assert str(first) in findings(report)[0]
        assert "the weight" in findings(report)[0]
    (plain, *_) = imported(field, 1)
    report = tampered(field.url, "UPDATE response SET given_weight = 1.0 WHERE id = :id", id=plain)
    assert str(plain) in findings(report)[0]


def test_the_database_refuses_to_change_the_weight_an_interview_came_with(field: Any) -> None:
    (first, *_) = imported(field, 2, weight=1.25)
    imported(field, 1)
    for weight in ("2.5", "NULL"):
        with (
            pytest.raises((IntegrityError, SQLAlchemyError), match="neither changed nor removed"),
            engine_for(field.url).begin() as connection,
        ):
            connection.execute(text(f"UPDATE response SET given_weight = {weight}"))
    with session_scope(field.url) as session:
        transition(
            work_of(session, OPERATOR, field.now),
            response_id=first,
            to=Status.VOID,
            reason="asked for it",
            expected_version=1,
        )
        erase_withdrawn_in_review(work_of(session, OPERATOR, field.now), response_id=first)
    with read_scope(field.url) as session:
        assert session.get_one(Response, first).given_weight is None
    assert checked(field.url).is_intact


@pytest.mark.parametrize("written", ["[]", "5", "null", '"x"'])
def test_what_is_no_answers_at_all_is_found_too(field: Any, written: str) -> None:
    response = handed_in(field)
    report = tampered(
        field.url,
        "UPDATE response_revision SET answers = :answers WHERE response_id = :id",
        answers=written,
        id=response,
    )
    assert str(response) in findings(report)[0]


def test_an_older_revision_that_is_made_the_current_one_is_found(field: Any) -> None:
    response = handed_in(field)
    corrected(field, response)
    # In two steps: only one revision may be the current one.
    with session_scope(field.url) as session:
        disable_triggers(session)
        for number, flag in ((2, "false"), (1, "true")):
            session.connection().execute(
                text(f"UPDATE response_revision SET is_current = {flag} WHERE number = {number}")
            )
        report = verify(work_of(session, OPERATOR))
        session.rollback()
    assert len(report.findings) == 2
    assert all("counts as the current one" in finding for finding in findings(report))


def test_an_interview_past_the_platform_is_found(field: Any) -> None:
    response = handed_in(field)
    with read_scope(field.url) as session:
        copy = session.exec(select(Response)).one().model_dump()
        copy |= {"id": uuid4(), "client_uuid": uuid4()}
        session.add(Response(**copy))
        session.flush()
        session.add(
            ResponseRevision(
                response_id=copy["id"],
                wave_id=copy["wave_id"],
                number=1,
                is_current=True,
                answers=field.complete,
                timings={},
                reason="",
                created_at=field.now,
            )
        )
        session.flush()
        report = verify(work_of(session, OPERATOR))
    assert report.answers.unsealed == 1
    assert str(copy["id"]) in findings(report)[0]
    assert str(response) not in findings(report)[0]


def test_withdrawing_is_explained_and_pretending_it_is_found(field: Any) -> None:
    response, other = handed_in(field, withdrawal_code=CODE), handed_in(field)
    with session_scope(field.url) as session:
        withdraw(session=session, typed=CODE, now=field.now)
    assert checked(field.url).is_intact
    back = tampered(
        field.url,
        "UPDATE response_revision SET answers = :answers WHERE response_id = :id",
        answers=orjson.dumps(field.complete).decode(),
        id=response,
    )
    assert "was withdrawn, and answers of it are there" in findings(back)[0]
    # The database lets the answers of withdrawn interviews go, so somebody marks one as such.
    with session_scope(field.url) as session:
        session.connection().execute(
            text("UPDATE response SET withdrawn_at = :at WHERE withdrawal_sha256 IS NULL"),
            {"at": "2026-05-20 03:00:00.000000+00:00"},
        )
        session.connection().execute(
            text("UPDATE response_revision SET answers = '{}', timings = '{}', reason = ''")
        )
        report = verify(work_of(session, OPERATOR))
        session.rollback()
    assert str(other) in findings(report)[0]


def statements(url: str) -> dict[str, str]:
    return {
        "answers": "UPDATE response_revision SET answers = '{}'",
        "some answers": "UPDATE response_revision SET answers = '{\"age\": 3}'",
        "timings": "UPDATE response_revision SET timings = '{\"age\": 3}'",
        "number": "UPDATE response_revision SET number = 7",
        "note": "UPDATE response_revision SET reason = 'x'",
        "time": "UPDATE response_revision SET created_at = '2020-01-01 00:00:00.000000+00:00'",
        "delete": "DELETE FROM response_revision",
        **_emptied(url),
    }


def _emptied(url: str) -> dict[str, str]:
    if engine_for(url).name == "sqlite":
        return {}
    with read_scope(url) as session:
        part = f"response_revision_{session.exec(select(Wave.id)).one().hex}"
    return {"truncate": "TRUNCATE response_revision", "truncate a part": f"TRUNCATE {part}"}


def test_the_database_refuses_to_change_stored_answers(field: Any) -> None:
    for store in (lambda: handed_in(field), lambda: imported(field, 2)):
        store()
        for statement in statements(field.url).values():
            with (
                pytest.raises((IntegrityError, SQLAlchemyError), match=REFUSED),
                engine_for(field.url).begin() as connection,
            ):
                connection.execute(text(statement))
    assert checked(field.url).is_intact


def test_the_database_keeps_the_newest_revision_the_current_one(field: Any) -> None:
    corrected(field, handed_in(field))
    with engine_for(field.url).begin() as connection:
        connection.execute(text("UPDATE response_revision SET is_current = false WHERE number = 2"))
        with pytest.raises(IntegrityError, match=REFUSED):
            connection.execute(
                text("UPDATE response_revision SET is_current = true WHERE number = 1")
            )
        connection.rollback()


def test_what_came_in_before_answers_were_sealed_is_taken_in_once(
    field: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the version before left it: entries without hashes."""
    response = handed_in(field)
    monkeypatch.setattr("survey.collection.response_bulk_insert._seal_answers", lambda *_: None)
    rows = imported(field, audit_chain.SEAL_BATCH_SIZE + 1)
    before = checked(field.url)
    assert before.answers.unsealed == len(rows)
    assert len(before.findings) == 1
    assert "survey audit adopt" in findings(before)[0]
    with pytest.raises(AccessDeniedError), session_scope(field.url) as session:
        seal_stored_answers(work_of(session, field.surveyor, field.now))
    for expected in (len(rows), 0):
        with session_scope(field.url) as session:
            count = seal_stored_answers(work_of(session, OPERATOR, field.now))
        assert count == expected
    assert checked(field.url).is_intact
    with read_scope(field.url) as session:
        query = select(AuditEntry).where(AuditEntry.action == "responses.sealed")
        entries = session.exec(query).all()
    assert [entry.detail["afterwards"] for entry in entries] == [True, True]
    assert str(response.hex) not in str(entries)


def test_what_is_stored_while_the_trail_is_read_is_no_finding(
    field: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL shows each statement what was committed before it."""
    kept = handed_in(field, withdrawal_code=CODE)

    def meanwhile(compare: Callable[..., None]) -> Callable[..., None]:
        def wrapped(self: Any, session: Session, **rest: Any) -> None:
            handed_in(field)
            corrected(field, handed_in(field))
            with session_scope(field.url) as other:
                withdraw(session=other, typed=CODE, now=field.now)
            compare(self, session, **rest)

        return wrapped

    from survey.access.answer_verify import AnswerHashes

    monkeypatch.setattr(AnswerHashes, "compare", meanwhile(AnswerHashes.compare))
    report = checked(field.url)
    assert report.is_intact, findings(report)
    assert kept
    assert hash_code(CODE)


numbers = st.one_of(
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([1e3, 1e15, 1e16, 1e22, -0.0, 0.5, 2.0]),
)
answers = st.dictionaries(
    st.text("abc_1", min_size=1, max_size=8),
    st.one_of(numbers, st.none(), st.text(max_size=9), st.lists(st.text("xy", max_size=3))),
    max_size=6,
)


@given(answers)
def test_the_hash_is_that_of_the_canonical_document(document: dict[str, Any]) -> None:
    again = orjson.loads(orjson.dumps(dict(reversed(document.items()))))
    assert answers_sha256(document) == answers_sha256(again)


def test_both_databases_give_back_what_was_hashed(field: Any) -> None:
    odd = {"b": 1e3, "a": 1e16, "z": -0.0, "é": "汉字", "m": [3.0, "x"], "n": None, "f": 0.1}
    rows = [
        FinishedResponse(
            client_uuid=uuid4(), city_code="110000", mode=Mode.IMPORT, status=Status.APPROVED,
            submitted_at=field.now, answers=odd,
        )
    ]  # fmt: skip
    with session_scope(field.url) as session:
        write_responses(work_of(session, OPERATOR, field.now), wave=field.wave, rows=rows)
    assert checked(field.url).is_intact


@pytest.mark.parametrize("way", ["many", "one"])
@pytest.mark.parametrize(
    "change", ["status = 'city_approved'", "status = 'void'", "withdrawn_at = CURRENT_TIMESTAMP"]
)
def test_a_state_that_no_entry_gave_is_found(field: Any, change: str, way: str) -> None:
    first, *_ = imported(field, 2) if way == "many" else [handed_in(field)]
    report = tampered(field.url, f"UPDATE response SET {change} WHERE id = :id", id=first)
    (found,) = findings(report)
    assert str(first) in found
    written = "approved" if way == "many" else "submitted"
    assert f"the newest entry about it says {written}" in found


@pytest.mark.parametrize("way", ["many", "one", "corrected"])
@pytest.mark.parametrize(
    "change",
    [
        "city_code = '310000'",
        "point_id = (SELECT id FROM sampling_point WHERE city_code = '310000')",
        "point_id = NULL",
        "quota_cell_id = (SELECT id FROM quota_cell WHERE age_band = '55-70' AND gender = 'male')",
        "quota_cell_id = NULL",
    ],
)
def test_a_place_that_no_entry_gave_is_found(field: Any, change: str, way: str) -> None:
    with read_scope(field.url) as session:
        cell = session.exec(select(QuotaCell.id).where(QuotaCell.age_band == "25-34")).first()
    placed = {"point_id": field.point.id, "quota_cell_id": cell}
    first, *_ = imported(field, 2, **placed) if way == "many" else [handed_in(field)]
    if way == "corrected":
        corrected(field, first)
    report = checked(field.url)
    assert (report.findings, report.answers.without_place) == ([], 0)
    report = tampered(field.url, f"UPDATE response SET {change} WHERE id = :id", id=first)
    (found,) = findings(report)
    assert str(first) in found
    assert "City, sampling point or quota cell" in found


def test_the_entry_of_a_withdrawn_interview_does_not_tell_its_quota_cell(field: Any) -> None:
    """Whoever tries all cells finds none: the answers are part of the hash, and they are gone."""
    response = handed_in(field, withdrawal_code=CODE)
    with read_scope(field.url) as session:
        cells = session.exec(select(QuotaCell.id)).all()
        row = session.get_one(Response, response)
        cell, place = row.quota_cell_id, {"city_code": row.city_code, "point_id": row.point_id}
        answers = session.exec(select(ResponseRevision.answers)).one()
    with session_scope(field.url) as session:
        withdraw(session=session, typed=CODE, now=field.now)
    assert checked(field.url).is_intact
    with read_scope(field.url) as session:
        entry = session.exec(
            select(AuditEntry).where(AuditEntry.subject_id == str(response)).limit(1)
        ).one()
    kept = entry.detail[PLACE]
    assert kept == place_sha256(answers, cell_id=cell, **place)
    assert kept not in {place_sha256({}, cell_id=each, **place) for each in cells}


@pytest.mark.parametrize("way", ["many", "one"])
def test_entries_of_an_earlier_version_hold_no_place_and_are_counted(
    field: Any, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("submission", "response_bulk_insert"):
        monkeypatch.setattr(f"survey.collection.{module}.place_sha256", lambda *_, **__: "")
    first, *_ = imported(field, 1) if way == "many" else [handed_in(field)]
    report = tampered(field.url, "UPDATE response SET point_id = NULL WHERE id = :id", id=first)
    assert (findings(report), report.answers.without_place) == ([], 1)


def adopted(field: Any) -> int:
    with session_scope(field.url) as session:
        return seal_stored_answers(work_of(session, OPERATOR, field.now))


MOVED = "UPDATE response SET city_code = '310000' WHERE id = :id"


@pytest.mark.parametrize("missing", ["place", "hash"])
def test_the_places_of_interviews_that_were_adopted_are_compared(
    field: Any, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        if missing == "hash":
            earlier.setattr("survey.collection.response_bulk_insert._seal_answers", lambda *_: None)
        else:
            for module in ("response_bulk_insert", "correction", "submission"):
                earlier.setattr(f"survey.collection.{module}.place_sha256", lambda *_, **__: "")
        first, _ = imported(field, 2, weight=1.5)
        own = handed_in(field)
        corrected(field, own)
    assert adopted(field) == (3 if missing == "place" else 2)
    assert adopted(field) == 0
    report = checked(field.url)
    assert (findings(report), report.answers.without_place) == ([], 0)
    report = tampered(field.url, MOVED, id=first)
    (found,) = findings(report)
    assert str(first) in found
    assert "City, sampling point or quota cell" in found


def test_answers_that_are_not_those_of_their_entry_are_not_adopted(
    field: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("survey.collection.response_bulk_insert.place_sha256", lambda *_, **__: "")
        first, _ = imported(field, 2)
    with session_scope(field.url) as session:
        disable_triggers(session)
        session.connection().execute(
            text("UPDATE response SET given_weight = 2 WHERE id = :id"),
            {"id": first.hex if field.url.startswith("sqlite") else first},
        )
    before = findings(checked(field.url))
    assert adopted(field) == 1
    assert findings(checked(field.url)) == before


def test_states_that_people_gave_are_the_ones_of_the_trail(field: Any) -> None:
    """One by one, many at once, corrected, undone and withdrawn."""
    first, second, third, fourth = (handed_in(field) for _ in range(4))
    corrected(field, first)
    everything = ReviewFilter(field.wave.id, status=None)
    with session_scope(field.url) as session:
        seen = preview_bulk_decision(
            work_of(session, OPERATOR), chosen=everything, to=Status.CITY_APPROVED
        )
        decide_many(
            work_of(session, OPERATOR, field.now), chosen=everything, seen=seen, reason=None
        )
    with session_scope(field.url) as session:
        version = session.get_one(Response, second).lock_version
        undo_decision(work_of(session, OPERATOR, field.now), versions={second: version})
    with session_scope(field.url) as session:
        decide(
            work_of(session, OPERATOR, field.now),
            response_id=third,
            expected_version=session.get_one(Response, third).lock_version,
            to=Status.VOID,
            reason=ReviewReason(ReasonCode.WITHDRAWN),
        )
    assert findings(checked(field.url)) == []
    report = tampered(
        field.url, "UPDATE response SET status = 'submitted' WHERE id = :id", id=fourth
    )
    assert ["says city_approved" in text for text in findings(report)] == [True]
    report = tampered(field.url, "UPDATE response SET withdrawn_at = NULL WHERE id = :id", id=third)
    assert ["says void, withdrawn" in text for text in findings(report)] == [True]
