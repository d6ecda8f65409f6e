"""Work: who does something, when, in which session and with which settings.

Every public service takes it first. Whoever makes one says all four: a service reads neither the
clock nor the environment.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, false, or_
from sqlalchemy import inspect as describe_table
from sqlmodel import Session, SQLModel, select

from survey.access import audit
from survey.access.principal import (
    OPERATOR,
    AccessDeniedError,
    Principal,
    covers_whole_area,
    whole_area_filter,
)
from survey.access.roles import Action
from survey.locale import ConflictError, Message, NotFoundError, RefusedError, msg
from survey.records import Record, Text
from survey.settings import Settings
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date

T = TypeVar("T", bound=SQLModel)
R = TypeVar("R", bound=Record)


class Seen(NamedTuple):
    """Id and version of a row as somebody saw it; a change applies to that version only."""

    id: UUID
    version: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Owned(Generic[T]):
    """Rules of a table whose rows belong to an area: who may change them, and who may read them.

    `name` begins the codes of its errors `…_unknown` and `…_changed`.
    """

    table: type[T]
    name: str
    refused: str
    """Code of the error about what is not possible, or not as it is entered."""
    keeping: Action
    """Right to keep those of an area that lies in the account's own as a whole."""
    unknown: Message
    area: SQLColumnExpression[str]
    is_demo: SQLColumnExpression[bool]
    is_open: SQLColumnExpression[bool] = field(default_factory=false)
    """Condition for those that everybody reads who reads results."""

    def is_own(self, principal: Principal) -> ColumnElement[bool]:
        """Return the SQL condition for rows in the principal's area; demo accounts: demo rows."""
        area = whole_area_filter(principal, self.area)
        return and_(area, self.is_demo) if principal.is_demo else area

    def is_readable(self, principal: Principal) -> ColumnElement[bool]:
        """Return the SQL condition for rows that the principal may read."""
        is_open = and_(self.is_open, self.is_demo) if principal.is_demo else and_(self.is_open)
        return or_(is_open, self.is_own(principal)) if principal.may(self.keeping) else is_open

    def is_kept_by(self, principal: Principal, *, area: str, is_demo: bool) -> bool:
        """Return whether the principal may change a row of an area, real or of a demonstration."""
        return (
            principal.may(self.keeping)
            and covers_whole_area(principal, area)
            and (is_demo or not principal.is_demo)
        )

    def require_area(self, principal: Principal, area: str) -> None:
        """Raise `AccessDeniedError` unless the principal may change such rows in all of an area."""
        principal.require(self.keeping)
        if not covers_whole_area(principal, area):
            raise AccessDeniedError(msg("This is outside your area."))

    def refuse(self, message: Message) -> RefusedError:
        """Return (do not raise) the error that says `message` about a refused step or entry."""
        return RefusedError(self.refused, message)


@dataclass(frozen=True, kw_only=True, eq=False)
class Case(Owned[T]):
    """Rules of `Owned` rows that also have a state; a change names the version it is based on."""

    changed: Message
    """Sentence for whoever changes a version that is not the newest."""
    not_now: Message
    """Sentence where the state does not allow a change; it names `{state}`."""
    states: Mapping[Any, Message]
    state_of: Callable[[T], StrEnum]
    details: Callable[[T], Mapping[str, Any]]
    """What every entry about one says."""


@dataclass(frozen=True)
class Work:
    """Circumstances of a service's call: database session, principal, time, settings.

    `now` carries a time zone. The session ends with the caller's transaction; nothing is committed
    here.
    """

    session: Session
    principal: Principal
    now: datetime
    settings: Settings

    def require(self, action: Action, city_code: str | None = None) -> None:
        """Raise `AccessDeniedError` unless the action, and the city if one is named, is allowed."""
        self.principal.require(action, city_code)

    def record(
        self, event: AuditEvent, subject_id: UUID | str, detail: dict[str, Any] | None = None
    ) -> UUID:
        """Queue one audit entry, written when the session commits, and return its id."""
        return self.record_many(event, {subject_id: detail or {}})[0]

    def record_many(
        self,
        event: AuditEvent,
        subjects: Mapping[UUID, dict[str, Any]] | Mapping[UUID | str, dict[str, Any]],
    ) -> list[UUID]:
        """Queue one audit entry for each subject of the same event, and return their ids."""
        return audit.record_many(
            session=self.session, actor=self.principal, event=event, subjects=subjects, now=self.now
        )

    def add(
        self, row: SQLModel, event: AuditEvent, subject_id: UUID | str, detail: dict[str, Any]
    ) -> None:
        """Flush a new row and queue its audit entry; if the database refuses it, none is queued."""
        self.session.add(row)
        self.session.flush()
        self.record(event, subject_id, detail)

    def find(self, owned: Owned[T], row_id: UUID, action: Action | None = None) -> T:
        """Return a row of `owned` that may be read or, by `action`, is in the own area; else raise.

        Raises:
            AccessDeniedError: the role has no right to the action, or to read results.
            NotFoundError: there is none, or none that the principal may know of.
        """
        return self._find(owned, row_id, action, is_locked=False)

    def get(
        self, case: Case[T], seen: Seen, states: Collection[StrEnum], action: Action | None = None
    ) -> T:
        """Return a row, unlocked; raise unless its version is as `seen`, its state in `states`."""
        row = self._find(case, seen.id, action or case.keeping, is_locked=False)
        return _require_unchanged(case, row, seen, states)

    def lock(
        self, case: Case[T], seen: Seen, states: Collection[StrEnum], action: Action | None = None
    ) -> T:
        """Lock a row for a change and return it; raise unless right, version and state allow it.

        Args:
            states: States in which the change is possible.
            action: Right that the change takes; the one to keep such rows if None.

        Raises:
            AccessDeniedError, NotFoundError: as `find`.
            ConflictError: it was changed since it was seen.
            RefusedError: its state does not allow the change.
        """
        self.require(action or case.keeping)
        self.principal.require_changes_allowed()
        row = self._find(case, seen.id, action or case.keeping, is_locked=True)
        return _require_unchanged(case, row, seen, states)

    def save(
        self,
        case: Case[T],
        row: T,
        event: AuditEvent,
        subject_id: UUID | None = None,
        /,
        **detail: Any,
    ) -> int:
        """Flush a changed row, queue its audit entry, and return the row's new version.

        Args:
            subject_id: What the entry is about; the row itself if None.
        """
        versioned: Any = row
        versioned.lock_version += 1
        self.session.add(row)
        self.session.flush()
        (row_id,) = describe_table(case.table).primary_key_from_instance(row)
        self.record(event, subject_id or row_id, {**case.details(row), **detail})
        return int(versioned.lock_version)

    def check(self, owned: Owned[Any], record: R) -> R:
        """Return a record with its fields cleaned; raise the error of `Owned.refuse` if unfit."""
        return record.checked(owned.refused, china_date(self.now))

    def require_text(self, owned: Owned[Any], text: str, column: Text) -> str:
        """Return a text cleaned for `column`; raises the error of `Owned.refuse` if unfit."""
        words = column.clean(text)
        problem = column.find_problem(words, china_date(self.now))
        if problem is not None:
            raise owned.refuse(problem)
        return words

    def _find(self, owned: Owned[T], row_id: UUID, action: Action | None, *, is_locked: bool) -> T:
        self.require(action or Action.READ_RESULTS)
        allowed = owned.is_own if action else owned.is_readable
        (key,) = describe_table(owned.table).primary_key
        query = select(owned.table).where(key == row_id, allowed(self.principal))
        if is_locked:
            # What the session has read before could be of an earlier version.
            query = query.with_for_update().execution_options(populate_existing=True)
        row = self.session.exec(query).one_or_none()
        if row is None:
            raise NotFoundError(f"{owned.name}_unknown", owned.unknown)
        return row


def _require_unchanged(case: Case[T], row: T, seen: Seen, states: Collection[StrEnum]) -> T:
    versioned: Any = row
    if versioned.lock_version != seen.version:
        raise ConflictError(f"{case.name}_changed", case.changed)
    state = case.state_of(row)
    if state not in states:
        raise case.refuse(msg(case.not_now.msgid, state=case.states[state]))
    return row


def operator_work(session: Session, settings: Settings) -> Work:
    """Return the work of the server's operator at the present time, for commands."""
    return Work(session, OPERATOR, datetime.now(UTC), settings)
