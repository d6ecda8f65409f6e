"""Transparency log: public acts in an order that nobody can change without being noticed.

Entries are hashed into a Merkle tree (RFC 6962). Whoever appends decides what may stand in it: only
acts of releases that strangers may see, and the keys that sign them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlmodel import col, select

from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import RefusedError, msg
from survey.release.verify import MAX_ENTRY_BYTES, hash_entry
from survey.store.audit_chain import canonical_json, format_utc
from survey.store.tables import PublicationKey, TransparencyEntry

LogAct = Mapping[str, Any]
"""What an entry says: `kind`, `id`, `at`, and what belongs to the kind."""


def subject_of(act: LogAct) -> str:
    """Return what an act is about; it is entered once. An archive signed anew is another one."""
    return " ".join(str(act[name]) for name in ("kind", "id", "archive_sha256") if name in act)


def append_acts(work: Work, acts: Sequence[LogAct]) -> None:
    """Append the acts that the log does not hold yet, in their order.

    Every other process that appends waits until this transaction ends, so that two cannot take one
    position: SQLite has one writer, on PostgreSQL the table is locked. Readers do not wait.
    """
    connection = work.session.connection()
    if acts and connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE transparency_entry IN SHARE ROW EXCLUSIVE MODE"))
    known = list_subjects(work)
    position = len(known)
    for act in acts:
        subject, content = subject_of(act), canonical_json(act)
        if subject in known:
            continue
        if len(content) > MAX_ENTRY_BYTES:
            raise RefusedError(
                "log_entry_too_large",
                msg("What {subject} says is too long for the transparency log.", subject=subject),
            )
        entry = TransparencyEntry(position=position, subject=subject, content=content.decode())
        work.session.add(entry)
        known.add(subject)
        position += 1
    work.session.flush()


def list_subjects(work: Work) -> set[str]:
    """Return what the log has entries about."""
    return set(work.session.exec(select(TransparencyEntry.subject)))


def list_entries(work: Work, size: int | None = None) -> list[bytes]:
    """Return the entries of the log in their order, the first `size` if it is given."""
    work.require(Action.READ_RESULTS)
    query = select(TransparencyEntry.content).order_by(col(TransparencyEntry.position))
    return [content.encode() for content in work.session.exec(query.limit(size))]


def hash_entries(entries: Sequence[bytes]) -> list[bytes]:
    """Return the hash of each entry, as the leaves of the tree have it."""
    return [hash_entry(entry) for entry in entries]


def describe_key_acts(key: PublicationKey) -> list[LogAct]:
    """Return what the log says of a key: that it was registered and, if so, withdrawn."""
    registered = {
        "kind": "key",
        "id": key.id,
        "at": format_utc(key.registered_at),
        "public_key": key.public_key,
        "demo": key.is_demo,
    }
    if key.withdrawn_at is None:
        return [registered]
    withdrawn = {"kind": "key_withdrawn", "id": key.id, "at": format_utc(key.withdrawn_at)}
    return [registered, withdrawn]
