"""What each column of a file means: an item of the questionnaire, a role, or nothing.

`item/choice` is one choice of a question with several: the column says whether it was chosen.

A mapping file has the columns `column,item,value,code`. A row without `value` says which item or
role a column is; a row with `value` says which code a cell value means, empty for "no answer".
Columns that are named like an item or a role need no row.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from enum import StrEnum
from typing import TypeVar

from survey.fieldwork.clock import CHINA
from survey.fieldwork.importing.findings import ImportImpossible
from survey.fieldwork.importing.reading import read_delimited
from survey.instrument.model import Instrument, Kind
from survey.locale import msg
from survey.spreadsheets import harmless, restored


class Role(StrEnum):
    """What a column may be besides the answer to an item."""

    CITY = "city"
    POINT = "point"
    STRATUM = "stratum"
    SURVEYOR = "surveyor"
    STARTED_AT = "started_at"
    DURATION = "duration"
    """Seconds from the first question to the last."""
    ENDED_AT = "ended_at"
    SUBMITTED_AT = "submitted_at"
    IDENTITY = "identity"
    """What the other tool calls the interview: the same again is the same interview."""
    WEIGHT = "weight"
    """How many people the interview stands for, by whoever drew the sample."""
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
class Conventions:
    """How the tool behind a file names its columns."""

    roles: Mapping[str, Role] = field(default_factory=dict)
    """Columns about the interview itself that this tool always writes."""
    separators: str = "/"
    """Characters that may stand between a group and an item."""
    submitted_zone: tzinfo = CHINA
    """Of moments of submission without a zone: the server's, not the interviewer's."""


@dataclass(frozen=True)
class SplitUse:
    """Columns that together answer one question with several choices: place -> choice."""

    item: str
    column: str
    """The columns as a person would name them."""
    parts: Mapping[int, str]
    codes: Mapping[int, Mapping[str, str]]


@dataclass(frozen=True)
class ColumnUses:
    """All used columns and the names of those that nothing uses."""

    items: tuple[ColumnUse, ...]
    roles: Mapping[Role, ColumnUse]
    unmapped: tuple[str, ...]
    splits: tuple[SplitUse, ...] = ()

    @property
    def answered(self) -> frozenset[str]:
        """The items that some column answers."""
        single = {use.item for use in self.items if use.item is not None}
        return frozenset(single | {split.item for split in self.splits})


def write_mapping(mapping: MappingFile) -> bytes:
    """The mapping as a file that `read_mapping` reads back, for Excel as well."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(FIELDS)
    rows = [(column, target, "", "") for column, target in mapping.targets.items()]
    for column, codes in mapping.codes.items():
        rows += [(column, "", value, code) for value, code in codes.items()]
    writer.writerows(map(harmless, row) for row in rows)
    return buffer.getvalue().encode("utf-8-sig")


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
        named = dict(zip(header, (restored(cell.strip()) for cell in cells), strict=False))
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


def use_columns(
    header: Sequence[str],
    instrument: Instrument,
    mapping: MappingFile,
    conventions: Conventions = Conventions(),
) -> ColumnUses:
    """Decide what each column is; two columns never answer the same item.

    The mapping comes first, then columns named like an item or role, then what is usual.
    """
    _check_mapping(header, instrument, mapping)
    items: dict[str, ColumnUse] = {}
    roles: dict[Role, ColumnUse] = {}
    parts: defaultdict[str, dict[str, tuple[int, str]]] = defaultdict(dict)
    unmapped: list[str] = []
    for place, column in enumerate(header):
        target = mapping.targets.get(column) or usual_target(column, instrument, conventions)
        codes = mapping.codes.get(column, {})
        if target is None:
            unmapped.append(column or f"({place + 1})")
        elif target in instrument.by_name:
            _claim(items, target, ColumnUse(place, column, target, None, codes))
        elif (part := part_of(target, instrument)) is not None:
            _claim_part(parts[part[0]], target, part[1], (place, column))
        elif target != Role.IGNORE:
            role = Role(target)
            _claim(roles, role, ColumnUse(place, column, None, role, codes))
    splits = tuple(
        _split(item, choice_columns, mapping)
        for item, choice_columns in parts.items()
        if item not in items
    )
    return ColumnUses(tuple(items.values()), roles, tuple(unmapped), splits)


def part_of(target: str, instrument: Instrument) -> tuple[str, str] | None:
    """Item and choice, where the target is one choice of a question with several."""
    name, slash, choice = target.partition("/")
    item = instrument.by_name.get(name)
    if not slash or item is None or item.kind is not Kind.SELECT_MULTIPLE:
        return None
    return (name, choice) if any(option.name == choice for option in item.choices) else None


def _claim_part(
    claimed: dict[str, tuple[int, str]], target: str, choice: str, use: tuple[int, str]
) -> None:
    other = claimed.setdefault(choice, use)
    if other is not use:
        raise _claimed_twice(other[1], use[1], target)


def _split(
    item: str, choice_columns: Mapping[str, tuple[int, str]], mapping: MappingFile
) -> SplitUse:
    names = [column for _, column in choice_columns.values()]
    return SplitUse(
        item,
        names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}",
        {place: choice for choice, (place, _) in choice_columns.items()},
        {place: mapping.codes.get(column, {}) for place, column in choice_columns.values()},
    )


def _claim(claimed: dict[_Key, ColumnUse], key: _Key, use: ColumnUse) -> None:
    other = claimed.setdefault(key, use)
    if other is not use:
        raise _claimed_twice(other.column, use.column, str(key))


def _claimed_twice(first: str, second: str, name: str) -> ImportImpossible:
    return ImportImpossible(
        msg(
            "Columns {first} and {second} are both {name}. Map one of them to ignore.",
            first=first,
            second=second,
            name=name,
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
        known = target in set(Role) or part_of(target, instrument) is not None
        if item is None and not known:
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


def usual_target(column: str, instrument: Instrument, conventions: Conventions) -> str | None:
    """The item, choice or role of the same name; exports put the group in front, `group/item`."""
    for name in _suffixes(column, conventions.separators):
        item = instrument.by_name.get(name)
        if item is not None and item.kind is not Kind.NOTE:
            return name
        if part_of(name, instrument) is not None:
            return name
    folded = column.casefold()
    if folded in set(Role) - {Role.IGNORE}:
        return folded
    return conventions.roles.get(column)


def _suffixes(column: str, separators: str) -> Iterator[str]:
    """The name whole, then without one group after the other: `a/b/c`, `b/c`, `c`."""
    yield column
    for place, character in enumerate(column):
        if character in separators:
            yield column[place + 1 :]
