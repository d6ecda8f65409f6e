"""Lists of a register: read from a file, entered as a whole or not at all, and written.

What is written has the columns of the template, so that it can be corrected and read again.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic

from sqlmodel import col, select

from survey.access.principal import covers_whole_area
from survey.access.roles import NATION
from survey.access.work import Work
from survey.education.registers import (
    D,
    E,
    Register,
    RegisteredEntry,
    add_entry,
    find_personal_number,
)
from survey.frame.plan_workbook import read_table_file
from survey.frame.workbook_io import (
    CellChecker,
    CellError,
    WorkbookColumn,
    WorkbookSheet,
    sheet_of_record,
)
from survey.frame.written_places import parse_area
from survey.locale import msg
from survey.records import Column, Flag, Yuan
from survey.store.china_time import china_date
from survey.store.tables.registers import EntryData

MAX_ENTRIES = 2_000
_AREA = WorkbookColumn("area", msg("Area"), 18)
_Occasion = tuple[Any, ...]
"""Area and values by which two entries are taken for one."""


@dataclass(frozen=True)
class EntryList(Generic[D]):
    """Entries read from a file, and the problems found in its cells."""

    entries: tuple[D, ...]
    repeated: tuple[D, ...]
    """Those of them that the register seems to have already."""
    errors: tuple[CellError, ...]


def build_template(register: Register[E, D]) -> WorkbookSheet:
    """Return the worksheet of a register, without rows."""
    sheet = sheet_of_record(register.sheet, register.data)
    return WorkbookSheet(sheet.name, (_AREA, *sheet.columns)) if register.has_areas else sheet


def write_entries(
    register: Register[E, D], entries: Iterable[RegisteredEntry[D]], name_area: Callable[[str], str]
) -> WorkbookSheet:
    """Return the worksheet of a register with a row for each entry."""
    sheet, columns = build_template(register), register.data.columns().items()
    return WorkbookSheet(
        sheet.name,
        sheet.columns,
        [
            [
                *([name_area(each.data.area)] if register.has_areas else []),
                *(_write_value(column, getattr(each.data, name)) for name, column in columns),
            ]
            for each in entries
        ],
    )


def _write_value(column: Column, value: Any) -> Any:
    if isinstance(column, Flag):
        return "yes" if value else "no"
    return value / 100 if isinstance(column, Yuan) else value


def read_entry_file(
    work: Work, *, register: Register[E, D], name: str, content: bytes
) -> EntryList[D]:
    """Return the entries of an uploaded list, and its problems; store nothing.

    Raises:
        WorkbookError, RefusedError: the file as a whole.
    """
    work.require(register.keeping)
    listed = read_table_file(name, content, build_template(register))
    reader = _RowReader(work, register, china_date(work.now), {})
    entries = listed.read(reader.read)
    too_many = msg("A list has at most {count} rows.", count=MAX_ENTRIES)
    first = next(iter(register.data.columns()))
    listed.require_rows(first, too_many if len(listed.rows) > MAX_ENTRIES else None)
    known = _list_occasions(work, register, entries)
    repeated = tuple(each for each in entries if _occasion_of(register, each) in known)
    return EntryList(entries, repeated, listed.problems())


@dataclass
class _RowReader(Generic[E, D]):
    work: Work
    register: Register[E, D]
    today: date
    rows: dict[_Occasion, int]
    """Row of each occasion that was read so far."""

    def read(self, check: CellChecker) -> D | None:
        """Return the entry of a row; None, and its problems in `check`, where it has any."""
        area = self._read_area(check) if self.register.has_areas else self.work.principal.area
        values = check.read_record(self.register.data, self.today)
        if not check.is_clean():
            return None
        entry = self.register.data(area=area, **values)
        problem = find_personal_number(entry)
        if problem is not None:
            check.fail(*problem)
        before = self.rows.setdefault(_occasion_of(self.register, entry), check.row.number)
        if before != check.row.number:
            check.fail(self.register.same[0], msg("This stands in row {row} as well.", row=before))
        return entry if check.is_clean() else None

    def _read_area(self, check: CellChecker) -> str:
        own = self.work.principal.area
        text = check.text(_AREA.key, required=False)
        area = parse_area(text) if text else own
        if area is None:
            check.fail(
                _AREA.key,
                msg("This is no city of the survey. Write the city or, without one, the province."),
            )
        elif not covers_whole_area(self.work.principal, area):
            check.fail(_AREA.key, msg("This is outside your area."))
        return area or own


def _occasion_of(register: Register[E, D], entry: EntryData | E) -> _Occasion:
    return tuple(getattr(entry, name) for name in ("area", *register.same))


def _list_occasions(work: Work, register: Register[E, D], entries: Collection[D]) -> set[_Occasion]:
    """Return the occasions of entries of the own area that might be among `entries`."""
    first = register.same[0]
    query = select(register.table).where(
        *register.list_conditions(work, NATION),
        register.is_own(work.principal),
        col(getattr(register.table, first)).in_({getattr(each, first) for each in entries}),
    )
    return {_occasion_of(register, each) for each in work.session.exec(query)}


def add_entries(
    work: Work, *, register: Register[E, D], listed: EntryList[D], with_repeated: bool
) -> int:
    """Enter a list into a register and return the number of its new entries.

    Args:
        with_repeated: Whether to enter those as well that the register seems to have already.

    Raises:
        AccessDeniedError: the list is about another area.
        RefusedError: the list has problems.
    """
    work.require(register.keeping)
    if listed.errors:
        raise register.refuse(msg("Please mend the list first."))
    known = set() if with_repeated else _list_occasions(work, register, listed.entries)
    added = [each for each in listed.entries if _occasion_of(register, each) not in known]
    for each in added:
        add_entry(work, register=register, data=each)
    return len(added)
