"""Queries of the audit trail: one page, or all entries of a filter."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select, union_all
from sqlmodel import Session

from survey.access.audit_verify import CHAIN
from survey.access.principal import OPERATOR
from survey.access.roles import Action
from survey.access.work import Work
from survey.records import build_from, parse_uuid
from survey.store.audit_events import AuditEvent
from survey.store.tables import Account, AnyRow, AuditEntry, AuditHead, AuditMember, Wave, table_of

_RESETS = (
    AuditEvent.ACCOUNT_LINK_MADE,
    AuditEvent.ACCOUNT_PASSWORD_GIVEN,
    AuditEvent.ACCOUNT_SECOND_FACTOR_RESET,
)
"""Events by which somebody else can come to sign in as the account."""
PAGE_SIZE = 20
PUBLIC = "public"
"""Actor of entries that a respondent caused through a public link."""
_ENTRY_BATCH_SIZE = 5_000

_ENTRIES, _HEAD = table_of(AuditEntry), table_of(AuditHead)
_MEMBERS = table_of(AuditMember)
_ACCOUNTS, _WAVES = table_of(Account), table_of(Wave)


@dataclass(frozen=True)
class TrailFilter:
    """Filter of audit entries; fields that are None or empty do not restrict the result.

    `actor` is an account's id, `operator` or `public`; `family` is the first word of an action;
    `subject` is the whole id of what an entry is about, or of one of many that it names.
    """

    since: datetime | None = None
    before: datetime | None = None
    actor: str | None = None
    family: str | None = None
    subject: str = ""


@dataclass(frozen=True)
class TrailEntry:
    """One audit entry for reading; `actor` is a name, `operator`, or empty for a respondent."""

    number: int
    at: datetime
    actor: str
    action: str
    subject_kind: str
    subject_id: str
    subject: str
    """Name of the subject, if it has one."""
    detail: Mapping[str, Any]
    hash: str


@dataclass(frozen=True)
class HistoryEntry:
    """One entry of the history of what an audit entry can be about, for its own page."""

    at: datetime
    action: str
    actor: str
    """Name of the account, or of the operator."""
    detail: Mapping[str, Any]


def list_history(
    session: Session, subject_id: UUID, *, also: Sequence[UUID] = ()
) -> tuple[HistoryEntry, ...]:
    """Return the audit entries about a subject, the newest last; the caller has checked the right.

    Args:
        also: Ids of entries about many at once of which it is one.
    """
    query = (
        select(_ENTRIES.c.at, _ENTRIES.c.action, _ENTRIES.c.detail, _ACCOUNTS.c.name)
        .select_from(_ENTRIES.outerjoin(_ACCOUNTS, _ACCOUNTS.c.id == _ENTRIES.c.actor_id))
        .where(or_(_ENTRIES.c.subject_id == str(subject_id), _ENTRIES.c.id.in_(also)))
        .order_by(_ENTRIES.c.at, _ENTRIES.c.id)
    )
    return tuple(
        HistoryEntry(row.at, row.action, row.name or str(row.detail.get("by", "")), row.detail)
        for row in session.connection().execute(query)
    )


@dataclass(frozen=True)
class CredentialReset:
    """Reset of an account's password or second factor by somebody else: by whom, and when."""

    by_id: UUID | None
    """None for the operator of the server."""
    by: str
    at: datetime


def list_credential_resets(
    session: Session, account_id: UUID | None, *, since: datetime, until: datetime
) -> tuple[CredentialReset, ...]:
    """Return resets of an account's password or factor by others from `since` to `until`, in order.

    Whoever does that can act in the name of the account.
    """
    query = (
        select(_ENTRIES.c.actor_id, _ENTRIES.c.at, _ACCOUNTS.c.name)
        .outerjoin(_ACCOUNTS, _ACCOUNTS.c.id == _ENTRIES.c.actor_id)
        .where(
            _ENTRIES.c.subject_id == str(account_id),
            _ENTRIES.c.action.in_(_RESETS),
            _ENTRIES.c.at >= since,
            _ENTRIES.c.at <= until,
        )
        .order_by(_ENTRIES.c.at, _ENTRIES.c.id)
    )
    return tuple(
        CredentialReset(row.actor_id, row.name or OPERATOR.name, row.at)
        for row in session.connection().execute(query)
        if row.actor_id != account_id
    )


@dataclass(frozen=True)
class TrailState:
    """Numbers of the audit trail's first and last entry, and result of its last verification."""

    first: int
    last: int
    checked_at: datetime | None = None
    checked_up_to: int = 0
    wrong: int = 0


def trail_state(work: Work) -> TrailState:
    """Return first and last entry number and the last verification; for administrators only."""
    work.require(Action.ADMINISTER)
    connection = work.session.connection()
    head = connection.execute(select(_HEAD)).one_or_none()
    first, last = (head.base_sequence + 1, head.sequence) if head is not None else (0, 0)
    query = (
        select(_ENTRIES.c.at, _ENTRIES.c.detail)
        .where(_ENTRIES.c.subject_id == CHAIN, _ENTRIES.c.action == AuditEvent.AUDIT_VERIFIED)
        .order_by(_ENTRIES.c.sequence.desc())
        .limit(1)
    )
    check = connection.execute(query).one_or_none()
    if check is None:
        return TrailState(first, last)
    return TrailState(
        first, last, check.at, int(check.detail.get("up_to", 0)), int(check.detail.get("wrong", 0))
    )


def find_last_time(work: Work, *, event: AuditEvent) -> datetime | None:
    """Return when this kind of event was last recorded; None if never. For administrators only."""
    work.require(Action.ADMINISTER)
    query = (
        select(_ENTRIES.c.at)
        .where(_ENTRIES.c.action == event)
        .order_by(_ENTRIES.c.sequence.desc())
        .limit(1)
    )
    last: datetime | None = work.session.connection().execute(query).scalar_one_or_none()
    return last


def trail_people(work: Work) -> dict[str, str]:
    """Return `account id -> name` of all accounts, with the login where name and login differ."""
    work.require(Action.ADMINISTER)
    query = select(_ACCOUNTS.c.id, _ACCOUNTS.c.name, _ACCOUNTS.c.login).order_by(_ACCOUNTS.c.name)
    return {
        str(row.id): row.name if row.name == row.login else f"{row.name} ({row.login})"
        for row in work.session.connection().execute(query)
    }


def read_trail(work: Work, *, choice: TrailFilter, below: int | None = None) -> list[TrailEntry]:
    """Return the newest `PAGE_SIZE` entries that match filter `choice`, and are below `below`."""
    work.require(Action.ADMINISTER)
    query = _build_query(choice).order_by(_ENTRIES.c.sequence.desc()).limit(PAGE_SIZE)
    if below is not None:
        query = query.where(_ENTRIES.c.sequence < below)
    return _build_entries(work.session, work.session.connection().execute(query).all())


def stream_trail(
    work: Work, *, choice: TrailFilter, limit: int | None = None
) -> Iterator[TrailEntry]:
    """Yield the entries that match filter `choice`, the oldest first, at most `limit` of them."""
    work.require(Action.ADMINISTER)
    query = _build_query(choice).order_by(_ENTRIES.c.sequence)
    after, given = None, 0
    while limit is None or given < limit:
        size = _ENTRY_BATCH_SIZE if limit is None else min(_ENTRY_BATCH_SIZE, limit - given)
        page = query.limit(size)
        if after is not None:
            page = page.where(_ENTRIES.c.sequence > after)
        rows = work.session.connection().execute(page).all()
        if not rows:
            return
        yield from _build_entries(work.session, rows)
        after, given = rows[-1].sequence, given + len(rows)


def _build_query(choice: TrailFilter) -> Select[Any]:
    query = (
        select(_ENTRIES, _ACCOUNTS.c.name)
        .select_from(_ENTRIES.outerjoin(_ACCOUNTS, _ACCOUNTS.c.id == _ENTRIES.c.actor_id))
        .where(_ENTRIES.c.sequence.is_not(None))
    )
    if choice.since is not None:
        query = query.where(_ENTRIES.c.at >= choice.since)
    if choice.before is not None:
        query = query.where(_ENTRIES.c.at < choice.before)
    if choice.family:
        # Between the dot and the sign after it: a range, which an index serves on both databases.
        query = query.where(
            _ENTRIES.c.action >= f"{choice.family}.", _ENTRIES.c.action < f"{choice.family}/"
        )
    if choice.subject:
        alone = select(_ENTRIES.c.id).where(_ENTRIES.c.subject_id == choice.subject)
        # A subject that is no id of an interview is no member of anything.
        response_id = parse_uuid(choice.subject) or UUID(int=0)
        together = select(_MEMBERS.c.entry_id).where(_MEMBERS.c.response_id == response_id)
        query = query.where(_ENTRIES.c.id.in_(union_all(alone, together)))
    return _filter_by_actor(query, choice.actor)


def _filter_by_actor(query: Select[Any], actor: str | None) -> Select[Any]:
    if actor is None:
        return query
    by = _ENTRIES.c.detail["by"].as_string()
    if actor == OPERATOR.name:
        return query.where(_ENTRIES.c.actor_id.is_(None), by == OPERATOR.name)
    if actor == PUBLIC:
        return query.where(_ENTRIES.c.actor_id.is_(None), by.is_(None))
    return query.where(_ENTRIES.c.actor_id == UUID(actor))


def _build_entries(session: Session, rows: Sequence[AnyRow]) -> list[TrailEntry]:
    names = _read_subject_names(session, rows)
    return [
        build_from(
            TrailEntry,
            row,
            number=row.sequence,
            actor=row.name or str(row.detail.get("by", "")),
            subject=names.get((row.subject_kind, row.subject_id), ""),
            hash=row.hash or "",
        )
        for row in rows
    ]


def _read_subject_names(session: Session, rows: Sequence[AnyRow]) -> dict[tuple[str, str], str]:
    """Return `(kind, id) -> name` of the accounts, and waves (by key), that entries are about."""
    named: dict[tuple[str, str], str] = {}
    for kind, table, name in (
        ("wave", _WAVES, _WAVES.c.key),
        ("account", _ACCOUNTS, _ACCOUNTS.c.name),
    ):
        ids = {
            uuid
            for row in rows
            if row.subject_kind == kind and (uuid := parse_uuid(row.subject_id))
        }
        if ids:
            query = select(table.c.id, name.label("called")).where(table.c.id.in_(ids))
            for row in session.connection().execute(query):
                named[kind, str(row.id)] = row.called
    return named
