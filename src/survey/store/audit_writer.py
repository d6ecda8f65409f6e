"""Queue of audit entries per session, sealed and inserted just before the commit.

At the commit the transaction locks the chain's head, numbers and seals its entries, inserts them in
one statement and moves the head. The head is its last lock, so no two transactions can deadlock
over it. Entries of a transaction or savepoint that is rolled back are dropped.
"""

import time
from collections.abc import Iterable, Sequence
from uuid import UUID

import orjson
from sqlalchemy import Connection, bindparam, event, update
from sqlalchemy.exc import InternalError
from sqlalchemy.orm import Session as AnySession
from sqlalchemy.orm import SessionTransaction

from survey.settings import current_settings
from survey.store.audit_chain import ChainEntry, SealedEntry, keyring, seal_all
from survey.store.inserts import sqlite_time
from survey.store.tables import AuditEntry, AuditHead, table_of

_ENTRIES, _HEAD = table_of(AuditEntry), table_of(AuditHead)
_WAITING, _MARKS, _ACTORS = "audit waiting", "audit marks", "audit actors"
_ENTRY_BATCH_SIZE = 2_000
"""Entries in one statement, so that its text stays small."""

_COLUMNS = "id, at, actor_id, action, subject_kind, subject_id, detail, sequence, hash, key_id"
_LOCK_HEAD = "SELECT sequence, hash FROM audit_head_held()"
_WRITE = f"""
WITH moved AS (UPDATE audit_head SET sequence = %(sequence)s, hash = %(hash)s WHERE id = 1)
INSERT INTO audit_entry ({_COLUMNS})
SELECT {_COLUMNS} FROM json_to_recordset(%(entries)s::json) AS entry (
  id uuid, at timestamptz, actor_id uuid, action text, subject_kind text, subject_id text,
  detail jsonb, sequence bigint, hash text, key_id text)
"""
_SQLITE_HEAD = "SELECT sequence, hash FROM audit_head WHERE id = 1"
_SQLITE_WRITE = f"INSERT INTO audit_entry ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SQLITE_MOVE = "UPDATE audit_head SET sequence = ?, hash = ? WHERE id = 1"


def queue_entries(session: AnySession, entries: Iterable[ChainEntry]) -> None:
    """Queue audit entries, which are sealed and inserted when the transaction commits."""
    if not session.in_transaction():
        session.begin()
    waiting: list[ChainEntry] = session.info.setdefault(_WAITING, [])
    waiting.extend(entries)


def queued_entries(session: AnySession) -> Sequence[ChainEntry]:
    """Return the audit entries queued in this transaction; no query finds them yet."""
    return tuple(session.info.get(_WAITING, ()))


def queue_length(session: AnySession) -> int:
    """Return how many audit entries are queued; with `truncate_queue` later ones can be dropped."""
    return len(session.info.get(_WAITING, ()))


def truncate_queue(session: AnySession, length: int) -> None:
    """Drop the audit entries queued after the first `length` in this transaction."""
    del session.info.get(_WAITING, [])[length:]


def insert_sealed_entries(connection: Connection, entries: Sequence[ChainEntry]) -> None:
    """Number, seal and insert audit entries; the chain's head stays locked until the commit."""
    sealed = _seal_after_head(connection, entries)
    write = _write_postgres if connection.dialect.name == "postgresql" else _write_sqlite
    for first in range(0, len(sealed), _ENTRY_BATCH_SIZE):
        write(connection, sealed[first : first + _ENTRY_BATCH_SIZE])


def seal_stored_entries(connection: Connection, entries: Sequence[ChainEntry]) -> None:
    """Number and seal audit entries that are stored already without number and seal."""
    sealed = _seal_after_head(connection, entries)
    connection.execute(
        update(_ENTRIES)
        .where(_ENTRIES.c.id == bindparam("entry"))
        .values(sequence=bindparam("place"), hash=bindparam("seal"), key_id=bindparam("key")),
        [
            {
                "entry": sealed_entry.entry.id,
                "place": sealed_entry.sequence,
                "seal": sealed_entry.hash,
                "key": sealed_entry.key_id,
            }
            for sealed_entry in sealed
        ],
    )
    last = sealed[-1]
    connection.execute(update(_HEAD).values(sequence=last.sequence, hash=last.hash))


def _seal_after_head(connection: Connection, entries: Sequence[ChainEntry]) -> list[SealedEntry]:
    """Lock the head of the chain; return the entries numbered and sealed after it."""
    postgres = connection.dialect.name == "postgresql"
    head = connection.exec_driver_sql(_LOCK_HEAD if postgres else _SQLITE_HEAD).one_or_none()
    if head is None:
        raise InternalError(_LOCK_HEAD, None, LookupError("the head of the audit chain is gone"))
    ring = keyring(current_settings())
    return list(seal_all(entries, after=head.sequence, onto=head.hash, ring=ring))


def _write_postgres(connection: Connection, sealed: Sequence[SealedEntry]) -> None:
    entries = [
        {
            "id": sealed_entry.entry.id,
            "at": sealed_entry.entry.at,
            "actor_id": sealed_entry.entry.actor_id,
            "action": sealed_entry.entry.action,
            "subject_kind": sealed_entry.entry.subject_kind,
            "subject_id": sealed_entry.entry.subject_id,
            "detail": orjson.Fragment(sealed_entry.entry.detail),
            "sequence": sealed_entry.sequence,
            "hash": sealed_entry.hash,
            "key_id": sealed_entry.key_id,
        }
        for sealed_entry in sealed
    ]
    last = sealed[-1]
    connection.exec_driver_sql(
        _WRITE,
        {"entries": orjson.dumps(entries).decode(), "sequence": last.sequence, "hash": last.hash},
    )


def _write_sqlite(connection: Connection, sealed: Sequence[SealedEntry]) -> None:
    rows = [
        (
            sealed_entry.entry.id.hex,
            sqlite_time(sealed_entry.entry.at),
            sealed_entry.entry.actor_id.hex if sealed_entry.entry.actor_id else None,
            sealed_entry.entry.action,
            sealed_entry.entry.subject_kind,
            sealed_entry.entry.subject_id,
            sealed_entry.entry.detail.decode(),
            sealed_entry.sequence,
            sealed_entry.hash,
            sealed_entry.key_id,
        )
        for sealed_entry in sealed
    ]
    connection.exec_driver_sql(_SQLITE_WRITE, rows)
    connection.exec_driver_sql(_SQLITE_MOVE, (sealed[-1].sequence, sealed[-1].hash))


REMEMBERED_SECONDS = 3_600.0
"""How long it is known when an account changed something: a replica that is further behind is not
read at all."""
_PRUNED_ABOVE = 10_000
_committed_at: dict[UUID, float] = {}


def _note_commit(actors: Iterable[UUID]) -> None:
    moment = time.monotonic()
    for actor in actors:
        _committed_at[actor] = moment
    if len(_committed_at) > _PRUNED_ABOVE:
        for actor, at in list(_committed_at.items()):
            if moment - at > REMEMBERED_SECONDS:
                _committed_at.pop(actor, None)


def last_commit_of(actor: UUID) -> float:
    """Return when an account last committed a change here (monotonic seconds); -inf if never.

    Who has just written reads from the primary until the read replica has it
    (`store/read_replica.py`).
    """
    return _committed_at.get(actor, float("-inf"))


@event.listens_for(AnySession, "before_commit")
def _flush_queue(session: AnySession) -> None:
    """Seal and insert the queued entries of a transaction that is about to commit."""
    if session.info.get(_WAITING) and not session.in_nested_transaction():
        session.flush()
        insert_sealed_entries(session.connection(), session.info[_WAITING])
        session.info[_ACTORS] = {entry.actor_id for entry in session.info[_WAITING]} - {None}
        session.info[_WAITING].clear()


@event.listens_for(AnySession, "after_transaction_create")
def _mark_savepoint(session: AnySession, transaction: SessionTransaction) -> None:
    """Note how many audit entries are queued at the start of a savepoint."""
    if transaction.nested:
        session.info.setdefault(_MARKS, {})[transaction] = queue_length(session)


@event.listens_for(AnySession, "after_commit")
def _merge_savepoint(session: AnySession) -> None:
    """Keep the entries of a released savepoint; after the outer commit, note who changed data."""
    savepoint = session.get_nested_transaction()
    if savepoint is not None:
        session.info[_MARKS].pop(savepoint)
    elif session.info.get(_WAITING):
        raise RuntimeError("a transaction was committed over an open savepoint: no audit entries")
    else:
        _note_commit(session.info.pop(_ACTORS, ()))


@event.listens_for(AnySession, "after_transaction_end")
def _drop_rolled_back(session: AnySession, transaction: SessionTransaction) -> None:
    """Drop the entries that a transaction or savepoint queued before it was rolled back."""
    if transaction.nested:
        truncate_queue(session, session.info[_MARKS].pop(transaction, queue_length(session)))
    elif transaction.parent is None:
        truncate_queue(session, 0)
