"""Lists of a register: read from a file, entered as a whole or not at all, and written.

What is written has the columns of the template, so that it can be corrected and read again.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic

from sqlmodel import col, select

from survey.access.principal import covers_whole_area
from survey.access.roles import NATION
from survey.access.work import Work
from survey.collection.importing.mapped_list import (
    ListMapping,
    ListProposal,
    MappedFile,
    parse_list_mapping,
    propose_list_mapping,
)
from survey.collection.importing.rejections import ImportNotPossibleError
from survey.collection.importing.usual_heads import find_unit, guess_columns, read_usual_heads
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
    ListedRows,
    WorkbookColumn,
    WorkbookSheet,
    sheet_of_record,
)
from survey.frame.written_places import parse_area
from survey.locale import RefusedError, msg
from survey.records import Column, Flag, Number, Text, Year, Yuan
from survey.store.china_time import china_date
from survey.store.tables.registers import EntryData
from survey.tabular.workbook_safety import WorkbookError
from survey.tabular.written_numbers import parse_number

MAX_ENTRIES = 2_000
_YEAR = re.compile(r"((?:19|20)\d\d)\s*\u5e74")
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
    mapping: ListMapping | None = None
    """How a file with columns of its own was read; None for the template."""


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
                *([_write_area(each.data.area, name_area)] if register.has_areas else []),
                *(_write_value(column, getattr(each.data, name)) for name, column in columns),
            ]
            for each in entries
        ],
    )


def _write_area(area: str, name_area: Callable[[str], str]) -> str:
    """Return the name of an area, or its code where the name means another or two, as Jilin."""
    name = name_area(area)
    return name if parse_area(name) == area else area


def _write_value(column: Column, value: Any) -> Any:
    if isinstance(column, Flag):
        return "yes" if value else "no"
    return value / 100 if isinstance(column, Yuan) else value


def read_entry_file(
    work: Work, *, register: Register[E, D], name: str, content: bytes, mapping: bytes = b""
) -> EntryList[D]:
    """Return the entries of an uploaded list, and its problems; store nothing.

    Args:
        mapping: JSON of a mapping; empty for the template, or a file that is read as proposed.

    Raises:
        SurveyError: the file as a whole, or its mapping.
    """
    work.require(register.keeping)
    listed, used = _read_rows(register, name, content, mapping)
    reader = _RowReader(work, register, china_date(work.now), {})
    entries = listed.read(reader.read)
    too_many = msg("A list has at most {count} rows.", count=MAX_ENTRIES)
    first = next(iter(register.data.columns()))
    listed.require_rows(first, too_many if len(listed.rows) > MAX_ENTRIES else None)
    known = _list_occasions(work, register, entries)
    repeated = tuple(each for each in entries if _occasion_of(register, each) in known)
    return EntryList(entries, repeated, listed.problems(), used)


def propose_entry_mapping(register: Register[E, D], *, content: bytes) -> ListProposal[ListMapping]:
    """Return the mapping proposed for a list by its heads.

    Raises:
        FileUnreadableError: There is no readable table in the file.
    """
    sheet = build_template(register)
    names = {column.key: column.list_titles() for column in sheet.columns}
    usual = read_usual_heads(sheet.name, names)

    fields = {column.key or name: column for name, column in register.data.columns().items()}

    def guess(heads: Sequence[str], titles: Sequence[str]) -> ListMapping:
        columns, constants = guess_columns(heads, usual), {}
        units = {
            key: unit
            for key, head in columns.items()
            if isinstance(fields.get(key), Yuan) and (unit := find_unit(head, titles)) != 1
        }
        for key, column in fields.items():
            years = {year for text in titles for year in _YEAR.findall(text)}
            if isinstance(column, Year) and key not in columns and len(years) == 1:
                constants[key] = years.pop()
        return ListMapping(kind=sheet.name, columns=columns, constants=constants, units=units)

    return propose_list_mapping(content, guess)


def _read_rows(
    register: Register[E, D], name: str, content: bytes, mapping: bytes
) -> tuple[ListedRows, ListMapping | None]:
    """Return the rows of a list, and the mapping by which it was read; None for the template."""
    sheet = build_template(register)
    if mapping:
        used = parse_list_mapping(content=mapping, kind=ListMapping, sheet=sheet)
        if used.kind != sheet.name:
            raise ImportNotPossibleError(
                msg("The mapping is for another kind of list: {kind}.", kind=used.kind[:40])
            )
    else:
        try:
            return read_table_file(name, content, sheet), None
        except (WorkbookError, RefusedError):
            # Not the template: what the file is, or why it cannot be read, its heads decide.
            used = propose_entry_mapping(register, content=content).mapping
    columns = {column.key or key: column for key, column in register.data.columns().items()}
    required = [
        key
        for key, column in columns.items()
        if not column.is_optional and not (isinstance(column, Text) and not column.least)
    ]
    numbers = [key for key, column in columns.items() if isinstance(column, Number)]
    merged = [column.key for column in sheet.columns if column.key not in numbers]

    def tidy(cells: dict[str, str]) -> dict[str, str]:
        plain = {key: parse_number(cells[key]) for key in numbers if key in cells}
        return cells | {key: text for key, text in plain.items() if text is not None}

    return MappedFile(content, used, sheet, required, merged).read(tidy=tidy), used


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
