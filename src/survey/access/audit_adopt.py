"""Entries that a program before the chain wrote, while both served, get their place in it."""

import hashlib
from datetime import datetime

from sqlmodel import Session, col, select

from survey.access.audit import record
from survey.access.audit_verify import CHAIN
from survey.access.principal import Action, Principal
from survey.store.chain import Entry, canonical
from survey.store.journal import place_entries
from survey.store.tables import AuditEntry


def adopt(*, session: Session, principal: Principal, now: datetime) -> int:
    """Seal the entries that stand outside of the chain; returns how many, and enters it.

    Nobody vouches for what they say: the entry holds their number and a SHA-256 over their ids.
    """
    principal.require(Action.ADMINISTER)
    query = (
        select(AuditEntry).where(col(AuditEntry.sequence).is_(None)).order_by(col(AuditEntry.id))
    )
    rows = session.exec(query).all()
    if not rows:
        return 0
    entries = [
        Entry(
            row.id, row.at, row.actor_id, row.action, row.subject_kind, row.subject_id,
            canonical(row.detail),
        )
        for row in rows
    ]  # fmt: skip
    session.expunge_all()
    place_entries(session.connection(), entries)
    ids = hashlib.sha256(b"".join(entry.id.bytes for entry in entries)).hexdigest()
    record(
        session=session, actor=principal, action="audit.adopted", subject_kind="audit",
        subject_id=CHAIN, now=now, detail={"entries": len(entries), "ids_sha256": ids},
    )  # fmt: skip
    return len(entries)
