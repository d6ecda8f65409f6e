"""Registers of consumer education: what is entered, changed, taken out, and read of each.

An entry is kept by those whose area it lies in. Every change leaves an audit entry of what stood
before; what is taken out stays stored with the reason.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, extract
from sqlmodel import col, select

from survey.access.audit import actor_id
from survey.access.audit_queries import HistoryEntry, list_history
from survey.access.roles import NATION, Action
from survey.access.work import Case, Seen, Work
from survey.collection.photos.photo_storage import (
    PhotoNotFoundError,
    StoredPhoto,
    load_photo,
    save_photo,
)
from survey.compute.photo_cleaning import CleanPhoto
from survey.locale import Message, msg
from survey.records import Text
from survey.store.audit_events import AuditEvent
from survey.store.tables import (
    BaseVisit,
    ConsumerStation,
    EducationActivity,
    EducationBase,
    Photo,
    RuleWork,
    new_id,
)
from survey.store.tables.registers import (
    ActivityData,
    BaseData,
    EntryData,
    RegisterEntry,
    RuleWorkData,
    StationData,
    VisitData,
)
from survey.waves.personal_data import PiiKind, find_pii

E = TypeVar("E", bound=RegisterEntry)
D = TypeVar("D", bound=EntryData)
_REASON = Text(
    label=msg("Reason"), most=300, refusal=msg("Please say why, in 2 to 300 characters.")
)
_SEPARATORS = re.compile(r"\D")


class EntryState(StrEnum):
    """State of an entry of a register."""

    LISTED = "listed"
    TAKEN_OUT = "taken_out"


_STATE_NAMES: Mapping[EntryState, Message] = {
    EntryState.LISTED: msg("in the register"),
    EntryState.TAKEN_OUT: msg("taken out"),
}


_UNKNOWN = msg("There is no such entry in your area.")
_CHANGED = msg("Somebody changed this entry meanwhile. Please look at it again.")
_TAKEN_OUT = msg("This entry has been taken out of the register.")


def _state_of(row: RegisterEntry) -> EntryState:
    return EntryState.TAKEN_OUT if row.taken_out_at else EntryState.LISTED


@dataclass(frozen=True, kw_only=True, eq=False)
class Register(Case[E], Generic[E, D]):
    """Rules of a register of one kind of entries; `details` gives the title of an entry."""

    data: type[D]
    sheet: str
    """Name of the worksheet of its lists."""
    same: tuple[str, ...]
    """Fields: two entries of an area that have all of them in common are taken for one."""
    order: tuple[SQLColumnExpression[Any], ...]
    year: SQLColumnExpression[Any] | None = None
    """Year of an entry; None where entries stand for no year."""
    has_areas: bool = True
    """Whether its lists name the area of each entry; else all are of who enters the list."""
    added: AuditEvent = AuditEvent.REGISTER_ADDED
    edited: AuditEvent = AuditEvent.REGISTER_CHANGED
    taken_out: AuditEvent = AuditEvent.REGISTER_TAKEN_OUT
    keeping: Action = Action.KEEP_EDUCATION
    unknown: Message = _UNKNOWN
    changed: Message = _CHANGED
    not_now: Message = _TAKEN_OUT
    states: Mapping[Any, Message] = field(default_factory=lambda: _STATE_NAMES)
    state_of: Callable[[E], StrEnum] = _state_of

    def list_conditions(self, work: Work, area: str) -> list[ColumnElement[bool]]:
        """Return SQL conditions for entries of an area and those inside it that may be read."""
        conditions: list[ColumnElement[bool]] = [col(self.table.taken_out_at).is_(None)]
        if work.principal.is_demo:
            conditions.append(self.is_demo.is_(True))
        if area != NATION:
            conditions.append(self.area.startswith(area, autoescape=True))
        return conditions


ACTIVITIES = Register(
    table=EducationActivity,
    data=ActivityData,
    sheet="activities",
    name="activity",
    refused="activity_refused",
    area=col(EducationActivity.area),
    is_demo=col(EducationActivity.is_demo),
    details=lambda row: {"title": row.title},
    same=("title", "held_on", "place"),
    order=(col(EducationActivity.held_on).desc(),),
    year=extract("year", col(EducationActivity.held_on)),
    has_areas=False,
    added=AuditEvent.EDUCATION_ADDED,
    edited=AuditEvent.EDUCATION_CHANGED,
    taken_out=AuditEvent.EDUCATION_TAKEN_OUT,
)
BASES = Register(
    table=EducationBase,
    data=BaseData,
    sheet="bases",
    name="base",
    refused="base_refused",
    area=col(EducationBase.area),
    is_demo=col(EducationBase.is_demo),
    details=lambda row: {"title": row.name},
    same=("name",),
    order=(col(EducationBase.area), col(EducationBase.name)),
)
VISITS = Register(
    table=BaseVisit,
    data=VisitData,
    sheet="visits",
    name="visit",
    refused="visit_refused",
    area=col(BaseVisit.area),
    is_demo=col(BaseVisit.is_demo),
    details=lambda row: {"title": row.found},
    same=("base_id", "visited_on"),
    order=(col(BaseVisit.visited_on).desc(),),
)
STATIONS = Register(
    table=ConsumerStation,
    data=StationData,
    sheet="stations",
    name="station",
    refused="station_refused",
    area=col(ConsumerStation.area),
    is_demo=col(ConsumerStation.is_demo),
    details=lambda row: {"title": row.name},
    same=("name", "year"),
    order=(col(ConsumerStation.area), col(ConsumerStation.name)),
    year=col(ConsumerStation.year),
)
RULE_WORK = Register(
    table=RuleWork,
    data=RuleWorkData,
    sheet="rules",
    name="rule_work",
    refused="rule_work_refused",
    area=col(RuleWork.area),
    is_demo=col(RuleWork.is_demo),
    details=lambda row: {"title": row.subject},
    same=("subject", "kind", "done_on"),
    order=(col(RuleWork.done_on).desc(),),
    year=extract("year", col(RuleWork.done_on)),
)


@dataclass(frozen=True)
class RegisteredEntry(Generic[D]):
    """Entry of a register, and whether the principal may change it."""

    seen: Seen
    title: str
    data: D
    photo_id: UUID | None
    is_demo: bool
    may_change: bool


@dataclass(frozen=True)
class EntryPhoto:
    """Photo that comes with an entry, without its metadata, and the folder that keeps it."""

    photo: CleanPhoto
    folder: Path


def add_entry(
    work: Work,
    *,
    register: Register[E, D],
    data: D,
    photo: EntryPhoto | None = None,
    is_demo: bool = False,
) -> UUID:
    """Enter something into a register, with its photo where the register has any; return its id.

    Raises:
        AccessDeniedError: the area is not the principal's own.
        RefusedError: something is missing or cannot be.
    """
    register.require_area(work.principal, data.area)
    clean = _check(work, register, data)
    kept: dict[str, Any] = {}
    if photo is not None:
        kept["photo_id"] = new_id()
        save_photo(work, folder=photo.folder, photo_id=kept["photo_id"], photo=photo.photo)
        work.session.flush()
    row = register.table(
        **clean.model_dump(),
        **kept,
        is_demo=is_demo or work.principal.is_demo,
        entered_by=actor_id(work.principal),
        entered_at=work.now,
        lock_version=0,
    )
    work.save(register, row, register.added, **clean.model_dump(mode="json"))
    return row.id


def _check(work: Work, register: Register[E, D], data: D) -> D:
    clean = work.check(register, data)
    problem = find_personal_number(clean)
    if problem is not None:
        raise register.refuse(problem[1])
    return clean


def find_personal_number(data: EntryData) -> tuple[str, Message] | None:
    """Return the first field with a mobile telephone or identity number, and its refusal."""
    for name, column in data.columns().items():
        if isinstance(column, Text):
            text = getattr(data, name)
            for match in find_pii(text).matches:
                digits = _SEPARATORS.sub("", text[match.first : match.last]).removeprefix("86")
                is_mobile = match.kind is PiiKind.PHONE and digits.startswith("1")
                if is_mobile or match.kind is PiiKind.ID_NUMBER:
                    return name, msg("{what}: no number of a person.", what=column.label)
    return None


def add_visit(work: Work, *, data: VisitData, photo: EntryPhoto | None = None) -> UUID:
    """Enter a visit to a base of the own area, with its photo; return its id.

    Raises:
        NotFoundError: there is no such base in the principal's area.
        RefusedError: the base was taken out, or something cannot be.
    """
    base = work.find(BASES, data.base_id, Action.KEEP_EDUCATION)
    if base.taken_out_at is not None:
        raise BASES.refuse(BASES.not_now)
    visit = VisitData.of(data, area=base.area)
    return add_entry(work, register=VISITS, data=visit, photo=photo, is_demo=base.is_demo)


def change_entry(work: Work, seen: Seen, *, register: Register[E, D], data: D) -> None:
    """Change what people enter of entry `seen` (id, version); its area stays as it is.

    Raises:
        RefusedError: something is missing or cannot be, or the entry was taken out.
    """
    row = work.lock(register, seen, [EntryState.LISTED])
    before = register.data.of(row)
    typed = {name: getattr(data, name) for name in register.data.columns()}
    after = _check(work, register, register.data.of(before, **typed))
    changed = set(after.write_to(row))
    if changed:
        old, new = (each.model_dump(mode="json", include=changed) for each in (before, after))
        work.save(register, row, register.edited, **{"from": old, "to": new})


def take_out_entry(work: Work, seen: Seen, *, register: Register[E, D], reason: str) -> None:
    """Take entry `seen` (id, version) out of its register for good; it stays stored.

    Raises:
        RefusedError: the reason is missing, or it was taken out before.
    """
    row = work.lock(register, seen, [EntryState.LISTED])
    words = work.require_text(register, reason, _REASON)
    row.taken_out_at, row.reason = work.now, words
    work.save(register, row, register.taken_out, reason=words)


def list_entries(
    work: Work, *, register: Register[E, D], area: str, year: int | None = None
) -> list[RegisteredEntry[D]]:
    """Return the entries of an area and those inside it, of one year or of all (None)."""
    work.require(Action.READ_RESULTS)
    query = select(register.table).where(*register.list_conditions(work, area))
    if year is not None and register.year is not None:
        query = query.where(register.year == year)
    return [
        RegisteredEntry(
            Seen(row.id, row.lock_version),
            str(register.details(row)["title"]),
            register.data.of(row),
            getattr(row, "photo_id", None),
            row.is_demo,
            register.is_kept_by(
                work.principal, area=register.data.of(row).area, is_demo=row.is_demo
            ),
        )
        for row in work.session.exec(query.order_by(*register.order, col(register.table.id)))
    ]


def list_entry_years(work: Work, *, register: Register[E, D], area: str) -> list[int]:
    """Return the years with entries in an area and those inside it, newest first."""
    work.require(Action.READ_RESULTS)
    conditions = register.list_conditions(work, area)
    found = work.session.exec(select(register.year).where(*conditions).distinct())
    return sorted((int(each) for each in found), reverse=True)


def list_entry_areas(work: Work, *, register: Register[E, D]) -> list[str]:
    """Return the codes of all areas that have entries."""
    work.require(Action.READ_RESULTS)
    conditions = register.list_conditions(work, NATION)
    return sorted(work.session.exec(select(register.area).where(*conditions).distinct()))


def list_entry_steps(
    work: Work, *, register: Register[E, D], entry_id: UUID
) -> tuple[HistoryEntry, ...]:
    """Return every change of an entry of the own area, the newest last.

    Raises:
        NotFoundError: there is no such entry in the principal's area.
    """
    work.find(register, entry_id, register.keeping)
    return list_history(work.session, entry_id)


def read_entry_photo(work: Work, *, folder: Path, photo_id: UUID) -> StoredPhoto:
    """Return the photo of an activity or a visit, to those who keep the register of its area.

    Raises:
        AccessDeniedError: the role keeps no register.
        PhotoNotFoundError: there is none, or it is not for the principal.
    """
    work.require(Action.KEEP_EDUCATION)
    for register, column in (
        (ACTIVITIES, col(EducationActivity.photo_id)), (VISITS, col(BaseVisit.photo_id)),
    ):  # fmt: skip
        query = (
            select(Photo)
            .join(register.table, column == col(Photo.id))
            .where(Photo.id == photo_id, register.is_own(work.principal))
        )
        photo = work.session.exec(query).first()
        if photo is not None:
            return load_photo(folder, photo)
    raise PhotoNotFoundError
