"""Column mappings kept under a name, for every version of one questionnaire."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from survey.access.audit import record
from survey.access.principal import OPERATOR, Action, Principal
from survey.fieldwork.importing.column_mapping import MappingFile, read_mapping, write_mapping
from survey.fieldwork.importing.rejections import ImportNotPossibleError
from survey.locale import msg
from survey.store.audit_events import AuditEvent
from survey.store.inserts import insert_if_new
from survey.store.tables import ImportMapping, new_id

MAX_NAME_CHARS = 80


@dataclass(frozen=True)
class SavedMapping:
    id: UUID
    name: str
    mapping: MappingFile
    changed_at: datetime


def list_saved_mappings(
    *, session: Session, principal: Principal, instrument_name: str
) -> tuple[SavedMapping, ...]:
    """The mappings of a questionnaire, by name. They hold names of columns, no answers."""
    principal.require(Action.IMPORT)
    query = (
        select(ImportMapping)
        .where(ImportMapping.instrument_name == instrument_name)
        .order_by(col(ImportMapping.name))
    )
    return tuple(
        SavedMapping(row.id, row.name, read_mapping(row.document), row.changed_at)
        for row in session.exec(query)
    )


def save_mapping(
    *,
    session: Session,
    principal: Principal,
    instrument_name: str,
    name: str,
    mapping: MappingFile,
    now: datetime,
) -> UUID:
    """Keep a mapping; one of the same name is replaced, and the trail says by whom."""
    principal.require(Action.IMPORT)
    name = name.strip()
    if not 0 < len(name) <= MAX_NAME_CHARS or not name.isprintable():
        raise ImportNotPossibleError(
            msg(
                "Please give the mapping a name of at most {limit} characters.",
                limit=MAX_NAME_CHARS,
            )
        )
    author = None if principal == OPERATOR else principal.account_id
    document = write_mapping(mapping)
    values = {
        "id": new_id(), "instrument_name": instrument_name, "name": name, "document": document,
        "author_id": author, "changed_at": now,
    }  # fmt: skip
    is_new = insert_if_new(session.connection(), ImportMapping, values)
    query = select(ImportMapping).where(
        ImportMapping.instrument_name == instrument_name, ImportMapping.name == name
    )
    row = session.exec(query.with_for_update()).one()
    before = {} if is_new else {"from": _columns(row.document), "to": _columns(document)}
    row.document, row.author_id, row.changed_at = document, author, now
    session.add(row)
    record(
        session=session, actor=principal, subject_id=row.id, now=now,
        event=AuditEvent.MAPPING_SAVED if is_new else AuditEvent.MAPPING_REPLACED,
        detail={"questionnaire": instrument_name, "name": name, **before},
    )  # fmt: skip
    return row.id


def _columns(document: bytes) -> dict[str, str]:
    """Which question each column means, for the trail."""
    return dict(read_mapping(document).targets)
