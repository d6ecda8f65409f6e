"""Whatever is done to the stored trail behind the platform's back, verify finds it."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from survey.access.audit import record, record_many
from survey.access.audit_verify import (
    Anchor,
    ChainReport,
    record_verification,
    seal_unchained_entries,
    verify,
)
from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Role
from survey.settings import current_settings
from survey.store.audit_chain import (
    ChainEntry,
    Keyring,
    _read_keyring,
    canonical_json,
    keyring,
    seal_all,
)
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope, session_scope
from survey.store.tables import AuditEntry, new_id, now
from tests.audit_tampering import disable_triggers, run
from tests.error_codes import raises_code
from tests.work_of import work_of

NOW = datetime(2026, 5, 20, 3, 0, tzinfo=UTC)
ENTRIES = 12
NO_KEY = Keyring()

Tamper = Callable[[Session], None]


def fill(url: str, count: int = ENTRIES) -> None:
    li = Principal(new_id(), "Li", Role.SUPERVISOR, "110000")
    for number in range(count):
        with session_scope(url) as session:
            record(
                session=session,
                actor=li if number % 2 else None,
                event=AuditEvent.WAVE_CHANGED,
                subject_id=f"s{number}",
                now=NOW + timedelta(microseconds=number),
                detail={"from": {"target": number}, "to": {"target": number + 0.5}, "why": "因为"},
            )


@contextmanager
def as_owner(url: str) -> Iterator[Session]:
    """The database in the hands of its owner, who turns the triggers off; nothing is kept."""
    with read_scope(url) as session:
        disable_triggers(session)
        yield session


def checked(session: Session, *anchors: Anchor, new_key: bool = False) -> ChainReport:
    return verify(work_of(session, OPERATOR), anchors=anchors, new_key=new_key)


def places(report: ChainReport) -> set[int]:
    """Every number that a finding names."""
    return {
        number
        for finding in report.findings
        for number in range(finding.first, finding.last + 1)
        if number
    }


def anchor_of(url: str, number: int) -> Anchor:
    with read_scope(url) as session:
        entry = session.exec(select(AuditEntry).where(col(AuditEntry.sequence) == number)).one()
    assert entry.hash is not None
    return Anchor(number, entry.hash)


ALTERED = {
    "id": "'00000000000000000000000000000001'",
    "at": "'2020-01-01 00:00:00.000000+00:00'",
    "actor_id": "'00000000000000000000000000000002'",
    "action": "'b'",
    "subject_kind": "'b'",
    "subject_id": "'b'",
    "detail": "'{\"from\": 1}'",
    "hash": "'" + "f" * 64 + "'",
    "key_id": "'abc'",
}
numbers = st.integers(1, ENTRIES)
alterations = st.tuples(numbers, st.sampled_from(sorted(ALTERED)))


@pytest.fixture(autouse=True)
def _settings_are_read_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    current_settings.cache_clear()
    yield
    monkeypatch.undo()
    current_settings.cache_clear()


@pytest.fixture(params=["plain", "keyed"])
def trail(request: pytest.FixtureRequest, store_url: str, monkeypatch: Any) -> str:
    """A store with twelve entries, with and without a key."""
    if request.param == "keyed":
        monkeypatch.setenv("SURVEY_AUDIT_KEY", "k" * 40)
    current_settings.cache_clear()
    fill(store_url)
    return store_url


def test_an_untouched_trail_is_whole(trail: str) -> None:
    with read_scope(trail) as session:
        report = checked(session, anchor_of(trail, 5), anchor_of(trail, ENTRIES))
    assert (report.first, report.last, report.rows) == (0, ENTRIES, ENTRIES)
    assert report.findings == []


MANY = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_every_alteration_is_found_in_its_place(trail: str) -> None:
    @MANY
    @given(alterations)
    def prove(alteration: tuple[int, str]) -> None:
        number, column = alteration
        with as_owner(trail) as session:
            run(
                session,
                f"UPDATE audit_entry SET {column} = {ALTERED[column]} WHERE sequence = :n",
                n=number,
            )
            assert number in places(checked(session))

    prove()


def test_every_removal_is_found_in_its_place(trail: str) -> None:
    @MANY
    @given(st.sets(numbers, min_size=1))
    def prove(gone: set[int]) -> None:
        with as_owner(trail) as session:
            for number in gone:
                run(session, "DELETE FROM audit_entry WHERE sequence = :n", n=number)
            report = checked(session)
        assert places(report) == gone
        assert report.wrong == len(report.findings)

    prove()


def test_every_exchange_and_every_insertion_is_found(trail: str) -> None:
    @MANY
    @given(st.lists(numbers, min_size=2, max_size=2, unique=True))
    def prove(pair: list[int]) -> None:
        first, second = pair
        move = "UPDATE audit_entry SET sequence = :to WHERE sequence = :n"
        with as_owner(trail) as session:
            run(session, move, n=first, to=1000)
            run(session, move, n=second, to=first)
            run(session, move, n=1000, to=second)
            assert {first, second} <= places(checked(session))
        with as_owner(trail) as session:
            # Room is made for one more, and the seal of the entry before is copied.
            for number in range(ENTRIES, first, -1):
                run(session, move, n=number, to=number + 1)
            run(session, "UPDATE audit_head SET sequence = :n", n=ENTRIES + 1)
            run(
                session,
                "INSERT INTO audit_entry (id, at, action, subject_kind, subject_id, detail, "
                "sequence, hash, key_id) SELECT :id, at, action, subject_kind, 'forged', detail, "
                ":n, hash, key_id FROM audit_entry WHERE sequence = :before",
                id=new_id().hex,
                n=first + 1,
                before=first,
            )
            assert first + 1 in places(checked(session))

    prove()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM audit_head", "head of the chain is gone"),
        (f"UPDATE audit_head SET hash = '{'0' * 64}'", "another seal than the last entry"),
        ("UPDATE audit_head SET sequence = 11", "behind the end"),
        ("UPDATE audit_head SET sequence = 15", "missing at the end"),
        ("DELETE FROM audit_entry WHERE sequence > 9", "missing at the end"),
        ("DELETE FROM audit_entry", "missing at the end"),
        ("UPDATE audit_entry SET sequence = NULL WHERE sequence = 4", "outside of the chain"),
        ("UPDATE audit_entry SET sequence = -4 WHERE sequence = 4", "outside of the chain"),
        (
            "UPDATE audit_head SET base_sequence = 3, base_hash = "
            "(SELECT hash FROM audit_entry WHERE sequence = 3)",
            "no entry says so",
        ),
    ],
)
def test_what_is_done_to_the_head_and_the_ends_is_found(
    trail: str, statement: str, words: str
) -> None:
    with as_owner(trail) as session:
        run(session, statement)
        report = checked(session)
    assert not report.is_intact
    assert any(words in str(finding.text) for finding in report.findings), report.findings


def rewritten(session: Session, upto: int, ring: Keyring = NO_KEY) -> None:
    """The owner cuts the trail behind `upto`, changes entry 3 and seals everything anew."""
    run(session, "DELETE FROM audit_entry WHERE sequence > :n", n=upto)
    entries = session.exec(select(AuditEntry).order_by(col(AuditEntry.sequence))).all()
    forged = [
        ChainEntry(
            entry.id,
            entry.at,
            entry.actor_id,
            "never.happened" if entry.sequence == 3 else entry.action,
            entry.subject_kind,
            entry.subject_id,
            canonical_json(entry.detail),
        )
        for entry in entries
    ]
    for sealed in seal_all(forged, after=0, onto="0" * 64, ring=ring):
        run(
            session,
            "UPDATE audit_entry SET action = :action, hash = :hash, key_id = :key "
            "WHERE sequence = :n",
            action=sealed.entry.action,
            hash=sealed.hash,
            key=sealed.key_id,
            n=sealed.sequence,
        )
        last = sealed
    run(session, "UPDATE audit_head SET sequence = :n, hash = :hash", n=upto, hash=last.hash)


def test_an_owner_who_seals_everything_anew_needs_neither_key_nor_anchor_to_be_stopped_by_them(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The honest limit: without a key and without an anchor, this cannot be told."""
    fill(store_url)
    early, late = anchor_of(store_url, 5), anchor_of(store_url, ENTRIES)
    with as_owner(store_url) as session:
        rewritten(session, upto=10)
        assert checked(session).is_intact
        assert places(checked(session, early)) == {5}
        assert places(checked(session, late)) == {ENTRIES}
        assert places(checked(session, early, late)) == {5, ENTRIES}


def test_with_a_key_the_owner_cannot_seal_anew(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SURVEY_AUDIT_KEY", "k" * 40)
    current_settings.cache_clear()
    fill(store_url)
    with as_owner(store_url) as session:
        rewritten(session, upto=10)
        report = checked(session)
        assert any("no entry is sealed with it" in str(finding.text) for finding in report.findings)
        rewritten(session, upto=10, ring=Keyring((b"g" * 40,)))
        assert places(checked(session)) == set(range(1, 11))
        # Under the name of the right key.
        run(session, "UPDATE audit_entry SET key_id = :key", key=Keyring((b"k" * 40,)).newest)
        assert 1 in places(checked(session))


def test_keys_follow_each_other_and_old_ones_go_on_vouching(
    store_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fill(store_url, 2)
    file = tmp_path / "audit-keys"
    file.write_text("first " * 8 + "\n")
    monkeypatch.setenv("SURVEY_AUDIT_KEY_FILE", str(file))
    current_settings.cache_clear()
    with read_scope(store_url) as session:
        assert not checked(session).is_intact
        assert checked(session, new_key=True).is_intact
    fill(store_url, 2)
    _read_keyring.cache_clear()
    file.write_text("first " * 8 + "\n" + "second " * 8 + "\n")
    fill(store_url, 2)
    with read_scope(store_url) as session:
        report = checked(session)
        assert (report.findings, report.keyed_from) == ([], 3)
        names = session.exec(select(AuditEntry.key_id).order_by(col(AuditEntry.sequence))).all()
        assert len(set(names)) == 3
    with as_owner(store_url) as session:
        run(session, "UPDATE audit_entry SET key_id = '' WHERE sequence = 6")
        assert places(checked(session)) == {6}
    _read_keyring.cache_clear()
    file.write_text("second " * 8 + "\n")
    with read_scope(store_url) as session:
        assert places(checked(session)) == {3, 4}


@pytest.mark.parametrize("content", [None, "", "\n\n", "short"])
def test_a_key_that_cannot_be_used_is_an_error_and_never_no_key(
    content: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / secrets.token_hex(4)
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("SURVEY_AUDIT_KEY_FILE", str(file))
    current_settings.cache_clear()
    with raises_code("audit_key_unusable"):
        keyring(current_settings())


def test_the_lawful_way_to_remove_old_entries_leaves_a_whole_trail(store_url: str) -> None:
    fill(store_url)
    base = anchor_of(store_url, 4)
    with session_scope(store_url) as session:
        record(
            session=session,
            actor=OPERATOR,
            event=AuditEvent.AUDIT_TRIMMED,
            subject_id="chain",
            now=now(),
            detail={"up_to": 4, "hash": base.hash},
        )
        run(session, "UPDATE audit_head SET base_sequence = 4, base_hash = :hash", hash=base.hash)
        run(session, "DELETE FROM audit_entry WHERE sequence <= 4")
    with read_scope(store_url) as session:
        report = checked(session, base)
        assert (report.first, report.rows, report.findings) == (4, ENTRIES + 1 - 4, [])


def test_entries_of_the_version_before_are_found_and_can_be_adopted(store_url: str) -> None:
    fill(store_url, 2)
    with session_scope(store_url) as session:
        session.add(
            AuditEntry(
                at=NOW, action="old", subject_kind="k", subject_id="s", detail={"n": [1.0, 1e3]}
            )
        )
    with read_scope(store_url) as session:
        assert "outside" in str(checked(session).findings[0].text)
    with session_scope(store_url) as session:
        assert seal_unchained_entries(work_of(session, OPERATOR)) == 1
        assert seal_unchained_entries(work_of(session, OPERATOR)) == 0
    with read_scope(store_url) as session:
        assert checked(session).findings == []
        actions = session.exec(select(AuditEntry.action).order_by(col(AuditEntry.sequence))).all()
    assert actions[2:] == ["old", "audit.adopted"]


def test_checking_is_entered_and_leaves_the_trail_whole(store_url: str) -> None:
    fill(store_url, 3)
    with session_scope(store_url) as session:
        report = checked(session)
        record_verification(work_of(session, OPERATOR), report=report)
    with read_scope(store_url) as session:
        assert checked(session).rows == 4


def test_a_document_that_is_none_is_a_finding_and_no_crash(store_url: str) -> None:
    fill(store_url, 3)
    with as_owner(store_url) as session:
        if session.connection().dialect.name == "postgresql":
            run(session, "UPDATE audit_entry SET detail = 'null' WHERE sequence = 2")
        else:
            run(session, "UPDATE audit_entry SET detail = '{', at = 7 WHERE sequence = 2")
        assert places(checked(session)) == {2}


def test_only_an_administrator_may_check(store_url: str) -> None:
    analyst = Principal(new_id(), "A", Role.ANALYST, NATION)
    with read_scope(store_url) as session, pytest.raises(AccessDeniedError):
        verify(work_of(session, analyst))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(st.characters(codec="utf-8", exclude_characters="\x00")), inner, max_size=3
        )
    ),
    max_leaves=8,
)


def test_whatever_json_is_entered_keeps_its_seal_on_the_way_through_the_database(
    store_url: str,
) -> None:
    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(json_values, min_size=1, max_size=8))
    def prove(values: list[Any]) -> None:
        with session_scope(store_url) as session:
            record_many(
                session=session,
                actor=None,
                event=AuditEvent.WAVE_CHANGED,
                now=NOW,
                subjects={new_id(): {"value": value} for value in values},
            )
        with read_scope(store_url) as session:
            assert checked(session).findings == []

    prove()
