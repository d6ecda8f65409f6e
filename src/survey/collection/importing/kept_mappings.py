"""Mappings of columns kept under a name, as the document that their reader takes."""

from collections.abc import Callable, Mapping
from uuid import UUID

from sqlmodel import Session, col, select

from survey.access.principal import OPERATOR
from survey.access.work import Work
from survey.collection.importing.rejections import ImportNotPossibleError
from survey.locale import msg
from survey.store.audit_events import AuditEvent
from survey.store.inserts import insert_if_new
from survey.store.tables import ImportMapping, new_id

MAX_NAME_CHARS = 80


def list_kept_documents(*, session: Session, owner: str) -> list[ImportMapping]:
    """Return the mappings kept for a questionnaire or a kind of counts, sorted by name."""
    query = select(ImportMapping).where(ImportMapping.instrument_name == owner)
    return list(session.exec(query.order_by(col(ImportMapping.name))))


def keep_document(
    work: Work,
    *,
    owner: str,
    name: str,
    document: bytes,
    list_targets: Callable[[bytes], Mapping[str, str]],
) -> UUID:
    """Keep a mapping under a name, replacing one of the same name; the audit trail keeps both.

    Args:
        owner: Name of the questionnaire, or `counts:` and the kind of counts.
        list_targets: Returns column -> target of a document, for the audit trail.
    """
    name = name.strip()
    if not 0 < len(name) <= MAX_NAME_CHARS or not name.isprintable():
        raise ImportNotPossibleError(
            msg(
                "Please give the mapping a name of at most {limit} characters.",
                limit=MAX_NAME_CHARS,
            )
        )
    author = None if work.principal == OPERATOR else work.principal.account_id
    values = {
        "id": new_id(), "instrument_name": owner, "name": name, "document": document,
        "author_id": author, "changed_at": work.now,
    }  # fmt: skip
    is_new = insert_if_new(work.session.connection(), ImportMapping, values)
    query = select(ImportMapping).where(
        ImportMapping.instrument_name == owner, ImportMapping.name == name
    )
    row = work.session.exec(query.with_for_update()).one()
    before = {} if is_new else {"from": list_targets(row.document), "to": list_targets(document)}
    row.document, row.author_id, row.changed_at = document, author, work.now
    work.session.add(row)
    work.record(
        AuditEvent.MAPPING_SAVED if is_new else AuditEvent.MAPPING_REPLACED,
        row.id,
        {"questionnaire": owner, "name": name, **before},
    )
    return row.id
