"""What each column of a file means: an item of the questionnaire, a role, or nothing.

A mapping file has the columns `column,item,value,code`. A row without `value` says which item or
role a column is; a row with `value` says which code a cell value means, empty for "no answer".
Columns that are named like an item or a role need no row.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from survey.fieldwork.importing.findings import ImportImpossible
from survey.fieldwork.importing.reading import read_delimited
from survey.instrument.model import Instrument, Kind
from survey.locale import msg


class Role(StrEnum):
    """What a column may be besides the answer to an item."""

    CITY = "city"
    POINT = "point"
    STRATUM = "stratum"
    SURVEYOR = "surveyor"
    STARTED_AT = "started_at"
    DURATION = "duration"
    """Seconds from the first question to the last."""
    IGNORE = "ignore"


_Key = TypeVar("_Key", str, Role)
FIELDS = ("column", "item", "value", "code")


@dataclass(frozen=True)
class MappingFile:
    """The rows of a mapping file, by column name."""

    targets: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Column -> cell value, trimmed and case-folded -> code."""


@dataclass(frozen=True)
class ColumnUse:
    """One used column: its place in the file, its name, and what it is."""

    place: int
    column: str
    item: str | None
    role: Role | None
    codes: Mapping[str, str]


@dataclass(frozen=True)
class ColumnUses:
    """All used columns and the names of those that nothing uses."""

    items: tuple[ColumnUse, ...]
    roles: Mapping[Role, ColumnUse]
    unmapped: tuple[str, ...]


def read_mapping(content: bytes) -> MappingFile:
    """Read a mapping file; what is wrong with it is said with its row."""
    table = read_delimited(content)
    header = [name.casefold() for name in table.header]
    missing = [name for name in FIELDS[:2] if name not in header]
    if missing:
        raise ImportImpossible(
            msg("The mapping file needs the columns {columns}.", columns=",".join(FIELDS))
        )
    targets: dict[str, str] = {}
    codes: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for number, cells in table.rows:
        named = dict(zip(header, (cell.strip() for cell in cells), strict=False))
        column, item = named.get("column", ""), named.get("item", "")
        value, code = named.get("value", ""), named.get("code", "")
        if not column:
            raise ImportImpossible(msg("Mapping file, row {row}: no column named.", row=number))
        if value:
            _add(codes[column], value.casefold(), code, number)
        if item:
            _add(targets, column, item, number)
        elif not value:
            raise ImportImpossible(
                msg("Mapping file, row {row}: neither an item nor a value.", row=number)
            )
    return MappingFile(targets, codes)


def _add(known: dict[str, str], key: str, meaning: str, number: int) -> None:
    if known.setdefault(key, meaning) != meaning:
        raise ImportImpossible(
            msg(
                "Mapping file, row {row}: {name} was given another meaning above.",
                row=number,
                name=key,
            )
        )


def use_columns(header: Sequence[str], instrument: Instrument, mapping: MappingFile) -> ColumnUses:
    """Decide what each column is; two columns never answer the same item."""
    _check_mapping(header, instrument, mapping)
    items: dict[str, ColumnUse] = {}
    roles: dict[Role, ColumnUse] = {}
    unmapped: list[str] = []
    for place, column in enumerate(header):
        target = mapping.targets.get(column) or _namesake(column, instrument)
        if target is None:
            unmapped.append(column or f"({place + 1})")
        elif target in instrument.by_name:
            use = ColumnUse(place, column, target, None, mapping.codes.get(column, {}))
            _claim(items, target, use)
        elif target != Role.IGNORE:
            role = Role(target)
            use = ColumnUse(place, column, None, role, mapping.codes.get(column, {}))
            _claim(roles, role, use)
    return ColumnUses(tuple(items.values()), roles, tuple(unmapped))


def _claim(taken: dict[_Key, ColumnUse], key: _Key, use: ColumnUse) -> None:
    other = taken.setdefault(key, use)
    if other is not use:
        raise ImportImpossible(
            msg(
                "Columns {first} and {second} are both {name}. Map one of them to ignore.",
                first=other.column,
                second=use.column,
                name=str(key),
            )
        )


def _check_mapping(header: Sequence[str], instrument: Instrument, mapping: MappingFile) -> None:
    for column in (*mapping.targets, *mapping.codes):
        if column not in header:
            raise ImportImpossible(
                msg("The mapping names a column {column} that the file lacks.", column=column)
            )
    for column, target in mapping.targets.items():
        item = instrument.by_name.get(target)
        if item is None and target not in set(Role):
            raise ImportImpossible(
                msg(
                    "The mapping sends column {column} to {item}, which is neither an item of the "
                    "questionnaire nor one of {roles}.",
                    column=column,
                    item=target,
                    roles=", ".join(Role),
                )
            )
        if item is not None and item.kind is Kind.NOTE:
            raise ImportImpossible(msg("{item} is a note; it has no answers.", item=target))


def _namesake(column: str, instrument: Instrument) -> str | None:
    """The item or role of the same name; exports put the group in front, `group/item`."""
    for name in (column, column.rsplit("/", 1)[-1]):
        item = instrument.by_name.get(name)
        if item is not None and item.kind is not Kind.NOTE:
            return name
    folded = column.casefold()
    return folded if folded in set(Role) - {Role.IGNORE} else None
