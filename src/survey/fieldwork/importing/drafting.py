"""A first reading of a file's columns for a person to mend, and the mapping that comes of it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from survey.fieldwork.importing.cells import cell_reader
from survey.fieldwork.importing.mapping import (
    ColumnUses,
    MappingFile,
    Role,
    part_of,
    usual_target,
)
from survey.fieldwork.importing.reading import Table
from survey.fieldwork.importing.sources import Source, conventions, recognise
from survey.fieldwork.importing.suggesting import suggest
from survey.instrument.model import Instrument, Item, Kind

MOST_VALUES = 200
"""Unread values that are listed for a person to explain."""
_SITE_GAPS = {"-3": "", "-2": ""}
"""How survey sites write "passed over" and "left empty" in files of figures."""
_SAMPLES = 3


class Origin(StrEnum):
    """Why a column is taken for what it is taken for."""

    SAVED = "saved"
    NAME = "name"
    LIKENESS = "likeness"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class ColumnDraft:
    """One column: some of its values, what it is taken for (empty: nothing yet), and why."""

    column: str
    sample: str
    target: str
    origin: Origin


@dataclass(frozen=True)
class UnreadValue:
    """A cell value that is no answer to the question of its column."""

    column: str
    value: str
    count: int


def draft_columns(
    table: Table, instrument: Instrument, saved: MappingFile | None = None
) -> tuple[ColumnDraft, ...]:
    """Every column with what is known or suggested about it."""
    usual = conventions(recognise(table), table.header)
    known: dict[str, tuple[str, Origin]] = {}
    for column in table.header:
        kept = saved.targets.get(column) if saved else None
        named = usual_target(column, instrument, usual)
        if kept is not None and is_target(kept, instrument):
            known[column] = kept, Origin.SAVED
        elif named is not None:
            known[column] = named, Origin.NAME
    used_targets = {target for target, _ in known.values()}
    rest = [column for column in table.header if column not in known]
    alike = suggest(rest, instrument, used_targets)
    known |= {column: (target, Origin.LIKENESS) for column, target in alike.items()}
    return tuple(
        ColumnDraft(column, _sample(table, place), *known.get(column, ("", Origin.UNKNOWN)))
        for place, column in enumerate(table.header)
    )


def is_target(target: str, instrument: Instrument) -> bool:
    item = instrument.by_name.get(target)
    if item is not None:
        return item.kind is not Kind.NOTE
    return target in set(Role) or part_of(target, instrument) is not None


def targets_of(instrument: Instrument) -> tuple[str, ...]:
    """Everything that a column can be: roles first, then questions and their choices."""
    targets: list[str] = [role.value for role in Role if role.value not in instrument.by_name]
    for item in instrument.items():
        if item.kind is Kind.NOTE:
            continue
        targets.append(item.name)
        if item.kind is Kind.SELECT_MULTIPLE:
            targets += [f"{item.name}/{choice.name}" for choice in item.choices]
    return tuple(targets)


def mapping_of(
    columns: Iterable[tuple[str, str]],
    codes: Mapping[str, Mapping[str, str]],
    table: Table,
    instrument: Instrument,
    *,
    numbered: bool,
) -> MappingFile:
    """The mapping of columns to targets with the meanings of values.

    A column without a target is left out of the import on purpose. With `numbered`, figures in
    the columns of choices stand for the order of the choices.
    """
    targets = {column: target or Role.IGNORE.value for column, target in columns}
    value_codes: dict[str, dict[str, str]] = {}
    is_site = recognise(table) is Source.SURVEY_SITE
    for column, target in targets.items():
        item = instrument.by_name.get(target.partition("/")[0])
        own: dict[str, str] = {}
        if item is not None:
            own |= _SITE_GAPS if is_site and _has_codes(item) else {}
            own |= numbers_of(item) if numbered and "/" not in target else {}
        own |= codes.get(column, {})
        if own:
            value_codes[column] = own
    return MappingFile(targets, value_codes)


def _has_codes(item: Item) -> bool:
    return item.kind in {Kind.RATING, Kind.SELECT_ONE, Kind.SELECT_MULTIPLE}


def numbers_of(item: Item) -> dict[str, str]:
    """`1` for the first choice and so on; nothing where figures are choices themselves."""
    if item.kind not in {Kind.SELECT_ONE, Kind.SELECT_MULTIPLE}:
        return {}
    if any(choice.name.isdigit() for choice in item.choices):
        return {}
    return {str(number): choice.name for number, choice in enumerate(item.choices, start=1)}


def unread_values(
    table: Table, uses: ColumnUses, instrument: Instrument
) -> tuple[UnreadValue, ...]:
    """Values in the columns of scores and choices that are none, the most frequent first."""
    unread: list[UnreadValue] = []
    for use in uses.items:
        item = instrument.by_name[use.item or ""]
        if not _has_codes(item):
            continue
        read = cell_reader(item, use.codes)
        counts = Counter(row[use.place].strip() for _, row in table.rows if use.place < len(row))
        unread += [
            UnreadValue(use.column, text, count)
            for text, count in counts.items()
            if not _is_read(item, read(text))
        ]
    unread.sort(key=lambda entry: (-entry.count, entry.column, entry.value))
    return tuple(unread[:MOST_VALUES])


def _is_read(item: Item, value: object) -> bool:
    if value is None or value in item.specials:
        return True
    if item.kind is Kind.RATING:
        return isinstance(value, int | float)
    names = {choice.name for choice in item.choices}
    return set(value) <= names if isinstance(value, list) else value in names


def _sample(table: Table, place: int) -> str:
    """Some different values of a column, for a person to recognise it by."""
    return " · ".join(_different(table, place))


def _different(table: Table, place: int) -> Iterator[str]:
    seen: set[str] = set()
    for _, cells in table.rows[:200]:
        text = cells[place].strip()[:40] if place < len(cells) else ""
        if text and text not in seen:
            seen.add(text)
            yield text
        if len(seen) == _SAMPLES:
            return
