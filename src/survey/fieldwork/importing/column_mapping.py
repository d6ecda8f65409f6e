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

from survey.fieldwork.importing.rejections import ImportNotPossibleError
from survey.fieldwork.importing.table_reading import read_delimited
from survey.instrument.model import Instrument, Item, ItemKind, SpecialAnswer, label_text
from survey.locale import LANGUAGES, Message, msg, translator
from survey.spreadsheets import escape_formula, unescape_formula
from survey.store.china_time import CHINA


class ColumnRole(StrEnum):
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


_Key = TypeVar("_Key", str, ColumnRole)
FIELDS = ("column", "item", "value", "code")


@dataclass(frozen=True)
class MappingFile:
    """The rows of a mapping file, by column name."""

    targets: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Column -> cell value, trimmed and case-folded -> code."""


@dataclass(frozen=True)
class ColumnBinding:
    """One used column: its place in the file, its name, and what it is."""

    column_index: int
    column: str
    item: str | None
    role: ColumnRole | None
    codes: Mapping[str, str]


@dataclass(frozen=True)
class NamingConventions:
    """How the tool behind a file names its columns."""

    roles: Mapping[str, ColumnRole] = field(default_factory=dict)
    """Columns about the interview itself that this tool always writes."""
    separators: str = "/"
    """Characters that may stand between a group and an item."""
    submitted_zone: tzinfo = CHINA
    """Of moments of submission without a zone: the server's, not the interviewer's."""


@dataclass(frozen=True)
class SplitChoiceBinding:
    """Columns that together answer one question with several choices: place -> choice."""

    item: str
    column: str
    """The columns as a person would name them."""
    parts: Mapping[int, str]
    codes: Mapping[int, Mapping[str, str]]


@dataclass(frozen=True)
class ColumnBindings:
    """All used columns and the names of those that nothing uses."""

    items: tuple[ColumnBinding, ...]
    roles: Mapping[ColumnRole, ColumnBinding]
    unmapped: tuple[str, ...]
    splits: tuple[SplitChoiceBinding, ...] = ()

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
    writer.writerows(map(escape_formula, row) for row in rows)
    return buffer.getvalue().encode("utf-8-sig")


def read_mapping(content: bytes) -> MappingFile:
    """Read a mapping file; what is wrong with it is said with its row."""
    table = read_delimited(content)
    header = [name.casefold() for name in table.header]
    missing = [name for name in FIELDS[:2] if name not in header]
    if missing:
        raise ImportNotPossibleError(
            msg("The mapping file needs the columns {columns}.", columns=",".join(FIELDS))
        )
    targets: dict[str, str] = {}
    codes: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for number, cells in table.rows:
        named = dict(zip(header, (unescape_formula(cell.strip()) for cell in cells), strict=False))
        column, item = named.get("column", ""), named.get("item", "")
        value, code = named.get("value", ""), named.get("code", "")
        if not column:
            raise ImportNotPossibleError(
                msg("Mapping file, row {row}: no column named.", row=number)
            )
        if value:
            _add(codes[column], value.casefold(), code, number)
        if item:
            _add(targets, column, item, number)
        elif not value:
            raise ImportNotPossibleError(
                msg("Mapping file, row {row}: neither an item nor a value.", row=number)
            )
    return MappingFile(targets, codes)


def _add(known: dict[str, str], key: str, meaning: str, number: int) -> None:
    if known.setdefault(key, meaning) != meaning:
        raise ImportNotPossibleError(
            msg(
                "Mapping file, row {row}: {name} was given another meaning above.",
                row=number,
                name=key,
            )
        )


def bind_columns(
    header: Sequence[str],
    instrument: Instrument,
    mapping: MappingFile,
    conventions: NamingConventions = NamingConventions(),
) -> ColumnBindings:
    """Decide what each column is; two columns never answer the same item.

    The mapping comes first, then columns named like an item or role, then what is usual.
    """
    _check_mapping(header, instrument, mapping)
    items: dict[str, ColumnBinding] = {}
    roles: dict[ColumnRole, ColumnBinding] = {}
    parts: defaultdict[str, dict[str, tuple[int, str]]] = defaultdict(dict)
    unmapped: list[str] = []
    for place, column in enumerate(header):
        target = mapping.targets.get(column) or default_target(column, instrument, conventions)
        codes = mapping.codes.get(column, {})
        if target is None:
            unmapped.append(column or f"({place + 1})")
        elif target in instrument.by_name:
            _claim(items, target, ColumnBinding(place, column, target, None, codes))
        elif (part := part_of(target, instrument)) is not None:
            _claim_part(parts[part[0]], target, part[1], (place, column))
        elif target != ColumnRole.IGNORE:
            role = ColumnRole(target)
            _claim(roles, role, ColumnBinding(place, column, None, role, codes))
    splits = tuple(
        _split(item, choice_columns, mapping)
        for item, choice_columns in parts.items()
        if item not in items
    )
    return ColumnBindings(tuple(items.values()), roles, tuple(unmapped), splits)


def part_of(target: str, instrument: Instrument) -> tuple[str, str] | None:
    """Item and choice, where the target is one choice of a question with several."""
    name, slash, choice = target.partition("/")
    item = instrument.by_name.get(name)
    if not slash or item is None or item.kind is not ItemKind.SELECT_MULTIPLE:
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
) -> SplitChoiceBinding:
    names = [column for _, column in choice_columns.values()]
    return SplitChoiceBinding(
        item,
        names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}",
        {place: choice for choice, (place, _) in choice_columns.items()},
        {place: mapping.codes.get(column, {}) for place, column in choice_columns.values()},
    )


def _claim(claimed: dict[_Key, ColumnBinding], key: _Key, use: ColumnBinding) -> None:
    other = claimed.setdefault(key, use)
    if other is not use:
        raise _claimed_twice(other.column, use.column, str(key))


def _claimed_twice(first: str, second: str, name: str) -> ImportNotPossibleError:
    return ImportNotPossibleError(
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
            raise ImportNotPossibleError(
                msg("The mapping names a column {column} that the file lacks.", column=column)
            )
    for column, target in mapping.targets.items():
        item = instrument.by_name.get(target)
        known = target in set(ColumnRole) or part_of(target, instrument) is not None
        if item is None and not known:
            raise ImportNotPossibleError(
                msg(
                    "The mapping sends column {column} to {item}, which is neither an item of the "
                    "questionnaire nor one of {roles}.",
                    column=column,
                    item=target,
                    roles=", ".join(ColumnRole),
                )
            )
        if item is not None and item.kind is ItemKind.NOTE:
            raise ImportNotPossibleError(msg("{item} is a note; it has no answers.", item=target))


def default_target(
    column: str, instrument: Instrument, conventions: NamingConventions
) -> str | None:
    """The item, choice or role of the same name; exports put the group in front, `group/item`."""
    for name in _suffixes(column, conventions.separators):
        item = instrument.by_name.get(name)
        if item is not None and item.kind is not ItemKind.NOTE:
            return name
        if part_of(name, instrument) is not None:
            return name
    folded = column.casefold()
    if folded in set(ColumnRole) - {ColumnRole.IGNORE}:
        return folded
    return conventions.roles.get(column)


def _suffixes(column: str, separators: str) -> Iterator[str]:
    """The name whole, then without one group after the other: `a/b/c`, `b/c`, `c`."""
    yield column
    for place, character in enumerate(column):
        if character in separators:
            yield column[place + 1 :]


ROLE_NAMES: dict[ColumnRole, Message] = {
    ColumnRole.CITY: msg("city"),
    ColumnRole.POINT: msg("sampling point"),
    ColumnRole.STRATUM: msg("stratum"),
    ColumnRole.SURVEYOR: msg("surveyor"),
    ColumnRole.STARTED_AT: msg("beginning of the interview"),
    ColumnRole.ENDED_AT: msg("end of the interview"),
    ColumnRole.SUBMITTED_AT: msg("moment of handing in"),
    ColumnRole.DURATION: msg("duration in seconds"),
    ColumnRole.IDENTITY: msg("number of the interview in the other tool"),
    ColumnRole.WEIGHT: msg("design weight of the interview"),
    ColumnRole.IGNORE: msg("nothing: leave it out"),
}

SPECIAL_NAMES: dict[SpecialAnswer, Message] = {
    SpecialAnswer.DONT_KNOW: msg("does not know"),
    SpecialAnswer.NOT_EXPERIENCED: msg("has not experienced it"),
    SpecialAnswer.REFUSED: msg("does not want to say"),
}
"""In the template."""
_SPECIAL_BUTTONS: dict[SpecialAnswer, Message] = {
    SpecialAnswer.DONT_KNOW: msg("Don't know"),
    SpecialAnswer.NOT_EXPERIENCED: msg("Not experienced"),
    SpecialAnswer.REFUSED: msg("Prefer not to say"),
}
"""On the form, where the questionnaire has no words of its own."""


def special_texts(item: Item, special: SpecialAnswer) -> Iterator[str]:
    """Every text by which the form, its own words or ours, shows a special answer to people."""
    for names in (SPECIAL_NAMES, _SPECIAL_BUTTONS):
        for language in LANGUAGES:
            yield translator(language)(names[special])
    yield from item.special_labels.get(special, {}).values()


def target_name(target: str, instrument: Instrument, language: str) -> str | Message:
    """An item by its label, a choice of an item by both labels, a role by its name."""
    item = instrument.by_name.get(target)
    if item is not None:
        return f"{label_text(item.label, language, target)} [{target}]"
    part = part_of(target, instrument)
    if part is None:
        return ROLE_NAMES[ColumnRole(target)]
    item = instrument.by_name[part[0]]
    choice = next(option for option in item.choices if option.name == part[1])
    return (
        f"{label_text(item.label, language, item.name)} — "
        f"{label_text(choice.label, language, choice.name)} [{target}]"
    )
