"""Mapping of a file's columns to those of a kind of counts, as plain JSON.

The page, the command and known layouts (`seed/context/layouts`) write and read the same document.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from survey.collection.importing.mapping_documents import (
    MAX_HEAD_ROW,
    Head,
    MappingDocument,
    Word,
    parse_mapping_document,
)
from survey.collection.importing.rejections import ImportNotPossibleError
from survey.counts.bringing_in.loose_texts import fold_name
from survey.counts.count_declaration import CountKind
from survey.frame.written_places import import_words
from survey.locale import Message, msg
from survey.store.tables import DeliveryKind
from survey.tabular.written_dates import fold


class SpreadColumn(MappingDocument):
    """One of several columns that hold the same measure, each for one value of a key."""

    column: Head
    value: Word
    measure: str


class Spread(MappingDocument):
    """Columns that stand for the values of a key, such as classes or months."""

    key: str
    columns: Annotated[list[SpreadColumn], Field(min_length=1, max_length=2_000)]


class Condition(MappingDocument):
    """Texts of a column that say that a case counts for a measure, and those that say it does not.

    Any other text is a problem, so that no case is lost without a word.
    """

    column: Head
    yes: Annotated[list[Word], Field(min_length=1)]
    no: list[Word] = Field(default=[])


class TableMapping(MappingDocument):
    """Meaning of a file's columns; keys and measures are those of the template of its kind."""

    kind: DeliveryKind = Field(strict=False)
    sheet: str = ""
    """Worksheet; empty: the first with content."""
    head_row: Annotated[int, Field(ge=1, le=MAX_HEAD_ROW)] = 1
    """Row of the heads; the first, if they stand in two."""
    head_rows: Annotated[int, Field(ge=1, le=2)] = 1
    columns: dict[str, Head] = Field(default={})
    """Key or measure -> head of its column."""
    constants: dict[str, Word] = Field(default={})
    """Key or measure -> what holds for all rows."""
    units: dict[str, Annotated[int, Field(ge=1, le=100_000_000)]] = Field(default={})
    """Measure -> factor: 10000 where the file counts in ten thousands."""
    spread: Spread | None = None
    codes: dict[str, dict[str, Word]] = Field(default={})
    """Key -> text of the file -> code, name or area code."""
    cases: dict[str, Condition] | None = None
    """Given if every row is one case, to be counted: measure -> when a case counts for it.

    Without a condition of its own, every case counts for the first measure."""
    blank_is_zero: bool = False
    """Whether an empty cell or a dash of a measure means 0."""

    @property
    def heads(self) -> tuple[str, ...]:
        """Heads of all columns that are read; no other is."""
        spread = [each.column for each in self.spread.columns] if self.spread else []
        cases = [each.column for each in (self.cases or {}).values()]
        return tuple(dict.fromkeys((*self.columns.values(), *spread, *cases)))


def read_mapping_json(content: bytes, kind: CountKind) -> TableMapping:
    """Return the mapping in a JSON file, checked against the columns of `kind`.

    Raises:
        ImportNotPossibleError: It is none; the message names the place.
    """
    mapping = parse_mapping_document(content, TableMapping)
    require_fitting(mapping, kind)
    return mapping


def require_fitting(mapping: TableMapping, kind: CountKind) -> None:
    """Raise `ImportNotPossibleError` unless the mapping is one of this kind of counts."""
    for problem in _iter_problems(mapping, kind):
        raise ImportNotPossibleError(problem)


def _iter_problems(mapping: TableMapping, kind: CountKind) -> Iterator[Message]:
    if mapping.kind is not kind.kind:
        yield msg("The mapping is for another kind of counts: {kind}.", kind=mapping.kind.value)
    keys, measures = set(kind.keys), set(kind.measures)
    named: tuple[tuple[str, Collection[str], set[str]], ...] = (
        ("columns", mapping.columns, keys | measures),
        ("constants", mapping.constants, keys | measures),
        ("codes", mapping.codes, keys),
        ("units", mapping.units, measures),
        ("cases", mapping.cases or {}, measures),
    )
    for field, names, known in named:
        for name in sorted({*names} - known):
            yield msg(
                "Mapping file, {place}: {name} is none of {known}.",
                place=field,
                name=name[:40],
                known=", ".join(sorted(known)),
            )
    given = {*mapping.columns, *mapping.constants}
    for name in sorted(mapping.columns.keys() & mapping.constants.keys()):
        yield msg("The mapping gives {name} both a column and one value for all rows.", name=name)
    if mapping.spread is not None:
        yield from _iter_spread_problems(mapping.spread, kind, given)
    if mapping.cases is not None:
        if mapping.spread is not None:
            yield msg("Cases are counted row by row; their columns cannot stand side by side.")
        if kind.measures[0] in given:
            yield msg("Every case counts once; {name} needs no column.", name=kind.measures[0])


def _iter_spread_problems(spread: Spread, kind: CountKind, given: set[str]) -> Iterator[Message]:
    if spread.key not in kind.keys or spread.key in given:
        yield msg("The mapping gives {name} twice, or it is no key.", name=spread.key[:40])
    for name in {each.measure for each in spread.columns} - (set(kind.measures) - given):
        yield msg("The mapping gives {name} twice, or it is no measure.", name=name[:40])
    pairs = {(fold_name(each.value), each.measure) for each in spread.columns}
    if len(pairs) < len(spread.columns):
        yield msg("Two columns of the mapping stand for the same value and measure.")


def is_personal(head: str) -> bool:
    """Return whether a column is called like one with names, numbers of people or free text.

    What such a column holds is never looked at to guess what it means.
    """
    plain = fold(head)
    return any(word in plain for word in import_words()["personal"])


def translate_codes(codes: Mapping[str, str]) -> dict[str, Any]:
    """Return the translations of a mapping by their folded texts."""
    return {fold(text): code for text, code in codes.items()}
