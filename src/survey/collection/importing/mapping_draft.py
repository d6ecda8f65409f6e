"""Mappings of columns as a person makes them: suggested, corrected, kept under a name.

Columns are suggested for questions by how similar their words are. Similarity is Dice's
coefficient over pairs of neighbouring characters: it needs no list of words, works for Chinese as
for English, and a word more or less changes little.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from survey.access.roles import Action
from survey.access.work import Work
from survey.collection.importing.column_mapping import (
    ROLE_NAMES,
    ColumnBindings,
    ColumnRole,
    ExportSource,
    MappingFile,
    default_target,
    detect_conventions,
    detect_source,
    part_of,
    read_mapping,
    write_mapping,
)
from survey.collection.importing.kept_mappings import keep_document, list_kept_documents
from survey.collection.importing.row_answers import cell_reader
from survey.locale import LANGUAGES, Labels, translator
from survey.questionnaire.model import Instrument, Item
from survey.questionnaire.question_types import type_of
from survey.tabular.text_table import TextTable

MIN_SIMILARITY = 0.55
"""Similarity from which on a column is suggested for a question."""
_MAX_COLUMNS = 400
_MAX_COMPARED_CHARS = 300
_NUMBERED = re.compile(r"\s*[QqTt]?[0-9]{1,3}\s*[.\u3001\uff0e:\uff1a)\uff09_-]\s*")
_BRACKETS = re.compile(r"(.*?)[(\uff08]([^()\uff08\uff09]+)[)\uff09]\s*")
_COMMON_NAMES: dict[ColumnRole, re.Pattern[str]] = {
    ColumnRole.WEIGHT: re.compile(
        r".*(?:\u6743\u91cd|\u52a0\u6743|\u6743\u6570).*"
        r"|(?:(?:design|sampl(?:e|ing)|survey|final|case|person)[ _.-]*)?(?:weights?|wgt|wt)[0-9]*",
        re.IGNORECASE,
    )
}
"""Usual column names of a role whose own words are too unlike, or too like others: a height is no
weight."""
_DASH = re.compile(r"(.+?)\s*[\u2014\uff0d]+\s*(.+)")

_Pairs = frozenset[str]


@dataclass(frozen=True)
class _SuggestionTarget:
    """Item, choice or role, with the texts that a column's name is compared with."""

    name: str
    head: tuple[_Pairs, ...]
    """The texts that stand for it; of a choice, those of its question."""
    tail: tuple[_Pairs, ...] = ()
    """Of a choice, its own labels."""
    usual: re.Pattern[str] | None = None
    """What its columns are usually called."""


def suggest_targets(
    header: Sequence[str], instrument: Instrument, used_targets: Collection[str] = ()
) -> dict[str, str]:
    """Return column -> item, `item/choice` or role by similar names, once, none in `used_targets`.

    Args:
        used_targets: Targets that other columns have already.
    """
    targets = [
        target for target in _iter_targets(instrument) if target.name not in set(used_targets)
    ]
    candidates = sorted(
        (
            (likeness, -index, target.name)
            for index, column in enumerate(header[:_MAX_COLUMNS])
            for target in targets
            if (likeness := _compute_similarity(column, target)) >= MIN_SIMILARITY
        ),
        reverse=True,
    )
    chosen: dict[str, str] = {}
    used: set[str] = set()
    for _, negative_index, target_name in candidates:
        column = header[-negative_index]
        # A question is either in one column or in a column for each choice.
        if column not in chosen and used.isdisjoint({target_name, target_name.partition("/")[0]}):
            chosen[column] = target_name
            used.add(target_name)
    return chosen


def _iter_targets(instrument: Instrument) -> Iterator[_SuggestionTarget]:
    for item in instrument.items():
        if not type_of(item).is_asked:
            continue
        head = (*_pairs_of(item.label), letter_bigrams(item.name))
        yield _SuggestionTarget(item.name, head)
        if type_of(item).allows_several:
            for choice in item.choices:
                yield _SuggestionTarget(f"{item.name}/{choice.name}", head, _pairs_of(choice.label))
    for role in set(ColumnRole) - {ColumnRole.IGNORE}:
        names = {language: translator(language)(ROLE_NAMES[role]) for language in LANGUAGES}
        yield _SuggestionTarget(role.value, _pairs_of(names), usual=_COMMON_NAMES.get(role))


def _pairs_of(labels: Labels) -> tuple[_Pairs, ...]:
    return tuple(letter_bigrams(label) for label in labels.values())


def letter_bigrams(text: str) -> _Pairs:
    """Return pairs of neighbouring letters and digits, ignoring case, width and punctuation."""
    plain = unicodedata.normalize("NFKC", text[:_MAX_COMPARED_CHARS]).casefold()
    letters = "".join(character for character in plain if character.isalnum())
    return frozenset(letters[index : index + 2] for index in range(max(1, len(letters) - 1)))


def _compute_similarity(column: str, target: _SuggestionTarget) -> float:
    text = _NUMBERED.sub("", column, count=1) if _NUMBERED.match(column) else column
    split = _BRACKETS.fullmatch(text) or _DASH.fullmatch(text)
    if target.tail:
        if split is None:
            return 0.0
        return min(
            _compute_best_similarity(split[1], target.head),
            _compute_best_similarity(split[2], target.tail),
        )
    if target.usual is not None and target.usual.fullmatch(text.strip()):
        return 1.0
    whole = _compute_best_similarity(text, target.head)
    return max(whole, _compute_best_similarity(split[2], target.head)) if split else whole


def _compute_best_similarity(text: str, known: Sequence[_Pairs]) -> float:
    own = letter_bigrams(text)
    return max((dice_coefficient(own, other) for other in known), default=0.0)


def dice_coefficient(first: _Pairs, other: _Pairs) -> float:
    """Return twice the common pairs over all pairs: 1 for equal sets, 0 for disjoint ones."""
    return 2 * len(first & other) / (len(first) + len(other))


MAX_LISTED_VALUES = 200
"""Unparsed values that are listed for a person to explain."""
_SITE_GAPS = {"-3": "", "-2": ""}
"""Codes of survey sites for "passed over" and "left empty" in files of figures."""
_SAMPLES = 3


class SuggestionOrigin(StrEnum):
    """Reason why a target is suggested for a column: saved mapping, same name or likeness."""

    SAVED = "saved"
    NAME = "name"
    LIKENESS = "likeness"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class ColumnDraft:
    """One column with a sample of its values, its suggested target (empty: none), and why."""

    column: str
    sample: str
    target: str
    origin: SuggestionOrigin


@dataclass(frozen=True)
class UnparsedValue:
    """Cell value that is no answer to the question of its column, and its number of rows."""

    column: str
    value: str
    count: int


def draft_columns(
    table: TextTable, instrument: Instrument, saved: MappingFile | None = None
) -> tuple[ColumnDraft, ...]:
    """Return every column with the target that is saved, recognised or suggested for it."""
    conventions = detect_conventions(table)
    known: dict[str, tuple[str, SuggestionOrigin]] = {}
    for column in table.header:
        kept = saved.targets.get(column) if saved else None
        named = default_target(column, instrument, conventions)
        if kept is not None and is_target(kept, instrument):
            known[column] = kept, SuggestionOrigin.SAVED
        elif named is not None:
            known[column] = named, SuggestionOrigin.NAME
    used_targets = {target for target, _ in known.values()}
    rest = [column for column in table.header if column not in known]
    alike = suggest_targets(rest, instrument, used_targets)
    known |= {column: (target, SuggestionOrigin.LIKENESS) for column, target in alike.items()}
    return tuple(
        ColumnDraft(
            column,
            " · ".join(_iter_distinct_values(table, index)),
            *known.get(column, ("", SuggestionOrigin.UNKNOWN)),
        )
        for index, column in enumerate(table.header)
    )


def is_target(target: str, instrument: Instrument) -> bool:
    """Return whether `target` names an item with answers, a choice `item/choice`, or a role."""
    item = instrument.by_name.get(target)
    if item is not None:
        return type_of(item).has_value
    return target in set(ColumnRole) or part_of(target, instrument) is not None


def targets_of(instrument: Instrument) -> tuple[str, ...]:
    """Return every name that a column can be mapped to: roles, then questions and choices."""
    targets: list[str] = [role.value for role in ColumnRole if role.value not in instrument.by_name]
    for item in instrument.items():
        if not type_of(item).has_value:
            continue
        targets.append(item.name)
        if type_of(item).allows_several:
            targets += [f"{item.name}/{choice.name}" for choice in item.choices]
    return tuple(targets)


def mapping_of(
    columns: Iterable[tuple[str, str]],
    codes: Mapping[str, Mapping[str, str]],
    table: TextTable,
    instrument: Instrument,
    *,
    numbered: bool,
) -> MappingFile:
    """Return a mapping: column -> target, value -> code; if `numbered`, also choice number -> code.

    Args:
        columns: Column and target; a column with an empty target is ignored on purpose.
        codes: Column -> cell value -> code.
        numbered: Whether figures in columns of choices stand for the order of the choices.
    """
    targets = {column: target or ColumnRole.IGNORE.value for column, target in columns}
    value_codes: dict[str, dict[str, str]] = {}
    is_site = detect_source(table) is ExportSource.SURVEY_SITE
    for column, target in targets.items():
        item = instrument.by_name.get(target.partition("/")[0])
        own: dict[str, str] = {}
        if item is not None:
            own |= _SITE_GAPS if is_site and type_of(item).is_coded else {}
            own |= choice_numbers(item) if numbered and "/" not in target else {}
        own |= codes.get(column, {})
        if own:
            value_codes[column] = own
    return MappingFile(targets, value_codes)


def choice_numbers(item: Item) -> dict[str, str]:
    """Return position ("1", "2" …) -> choice name; empty if a choice is itself named by digits."""
    if not type_of(item).has_choice_list:
        return {}
    if any(choice.name.isdigit() for choice in item.choices):
        return {}
    return {str(number): choice.name for number, choice in enumerate(item.choices, start=1)}


def list_unparsed_values(
    table: TextTable, bindings: ColumnBindings, instrument: Instrument
) -> tuple[UnparsedValue, ...]:
    """Return cell values that are no valid score or choice, with column, most frequent first."""
    unparsed: list[UnparsedValue] = []
    for binding in bindings.items:
        item = instrument.by_name[binding.item or ""]
        if not type_of(item).is_coded:
            continue
        read = cell_reader(item, binding.codes)
        counts = Counter(table.texts(binding.column_index).of_rows())
        unparsed += [
            UnparsedValue(binding.column, text, count)
            for text, count in counts.items()
            if not _is_read(item, read(text))
        ]
    unparsed.sort(key=lambda entry: (-entry.count, entry.column, entry.value))
    return tuple(unparsed[:MAX_LISTED_VALUES])


def _is_read(item: Item, value: object) -> bool:
    if value is None or value in item.specials:
        return True
    if type_of(item).is_score:
        return isinstance(value, int | float)
    names = {choice.name for choice in item.choices}
    return set(value) <= names if isinstance(value, list) else value in names


def _iter_distinct_values(table: TextTable, index: int) -> Iterator[str]:
    seen: set[str] = set()
    for cell in table.columns[index][:200].to_pylist():
        text = cell.strip()[:40]
        if text and text not in seen:
            seen.add(text)
            yield text
        if len(seen) == _SAMPLES:
            return


@dataclass(frozen=True)
class SavedMapping:
    """A mapping kept under a name, for every version of one questionnaire."""

    id: UUID
    name: str
    mapping: MappingFile
    changed_at: datetime


def list_saved_mappings(work: Work, *, instrument_name: str) -> tuple[SavedMapping, ...]:
    """Return the saved mappings of a questionnaire, sorted by name; they contain no answers."""
    work.require(Action.IMPORT)
    return tuple(
        SavedMapping(row.id, row.name, read_mapping(row.document), row.changed_at)
        for row in list_kept_documents(session=work.session, owner=instrument_name)
    )


def save_mapping(work: Work, *, instrument_name: str, name: str, mapping: MappingFile) -> UUID:
    """Save a mapping under a name, replacing one of the same name; the audit trail keeps both."""
    work.require(Action.IMPORT)
    return keep_document(
        work,
        owner=instrument_name,
        name=name,
        document=write_mapping(mapping),
        list_targets=_list_column_targets,
    )


def _list_column_targets(document: bytes) -> dict[str, str]:
    """Return column -> target of a stored mapping, for the audit trail."""
    return dict(read_mapping(document).targets)
