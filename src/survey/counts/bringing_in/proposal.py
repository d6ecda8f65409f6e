"""Mapping proposed for a file: a layout that is known by its heads, else guessed column by column.

A guess is shown to a person, who corrects it. Heads decide first; values only of columns that no
head explains and that are not called like personal data, and only which key they fit.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import orjson

from survey.collection.importing.rejections import ImportNotPossibleError
from survey.collection.importing.usual_heads import (
    BRACKETS,
    MAX_HEAD_ROWS,
    MAX_SHEETS,
    bare_head,
    find_unit,
    guess_columns,
    list_titles,
    read_usual_heads,
)
from survey.counts.bringing_in.loose_texts import MONTH_ALONE, fold_name, key_parsers, parse_month
from survey.counts.bringing_in.table_mapping import (
    Spread,
    SpreadColumn,
    TableMapping,
    is_personal,
    read_mapping_json,
)
from survey.counts.count_declaration import AREA, CountKind
from survey.counts.count_kinds import COUNT_KINDS, PERIOD, TOPIC
from survey.frame.code_lists import CodeListName, shipped_code_lists
from survey.frame.written_places import SEED, import_words
from survey.locale import msg
from survey.store.tables import DeliveryKind
from survey.tabular.raw_rows import JOINT, RawRows, list_sheets, read_heads, read_raw_rows
from survey.tabular.written_dates import fold
from survey.tabular.written_numbers import parse_number

_SAMPLE_ROWS = 200
_FITTING_SHARE = 0.8
"""Share of a column's values that must fit a key for the column to be proposed for it."""
_YEAR = re.compile(r"((?:19|20)\d\d)\s*\u5e74")
_MONTH = re.compile(r"(?:19|20)\d\d\s*\u5e74\s*\d{1,2}\s*\u6708")
_RANGE = re.compile(
    r"\d\s*\u6708?\s*[-~\u2014\u81f3\u5230]\s*\d{1,2}\s*\u6708|\u5b63\u5ea6|\u534a\u5e74"
)
"""Several months, a quarter or a half-year."""
_SINGLE_CASES = msg(
    "This file holds single complaints, not counts. Bring it in as a list of single complaints: "
    "they are counted, and nothing of them is kept."
)
_Parsers = Mapping[str, Callable[[str], str | None]]


@dataclass(frozen=True)
class KnownLayout:
    """A layout that needs no mapping by a person: the heads that it always has, and its mapping."""

    name: str
    heads: frozenset[str]
    mapping: TableMapping


@dataclass(frozen=True)
class Proposal:
    """Proposed mapping of a file, and what a person who corrects it chooses from."""

    mapping: TableMapping
    heads: tuple[str, ...]
    sheets: tuple[str, ...]
    layout: str = ""
    """Name of the known layout; empty if the mapping was guessed."""


@lru_cache(maxsize=len(COUNT_KINDS))
def known_layouts(kind: DeliveryKind) -> tuple[KnownLayout, ...]:
    """Return the known layouts of files of this kind (`seed/context/layouts`)."""
    layouts = []
    for path in sorted((SEED / "layouts").glob("*.json")):
        document = orjson.loads(path.read_bytes())
        if document["mapping"]["kind"] == kind.value:
            mapping = read_mapping_json(orjson.dumps(document["mapping"]), COUNT_KINDS[kind])
            layouts.append(KnownLayout(document["name"], frozenset(document["heads"]), mapping))
    return tuple(layouts)


@lru_cache(maxsize=len(COUNT_KINDS))
def _usual_heads(kind: DeliveryKind) -> Mapping[str, tuple[str, ...]]:
    """Return key or measure -> folded heads that it usually has, the best first."""
    names = {key: column.names for key, column in COUNT_KINDS[kind].columns.items()}
    return read_usual_heads(kind.value, names)


def propose_mapping(
    kind: CountKind, content: bytes, *, of_cases: bool = False, sheet: str = ""
) -> Proposal:
    """Return the mapping proposed for a file: of its best worksheet, and what was found in it.

    Args:
        of_cases: Whether every row is one case.
        sheet: Worksheet to read instead of the best.

    Raises:
        FileUnreadableError: There is no readable table in the file.
    """
    sheets = list_sheets(content)
    found = [
        _SheetReader(kind, read_raw_rows(content, sheet=each, most_rows=_SAMPLE_ROWS), of_cases)
        for each in ((sheet,) if sheet else sheets[:MAX_SHEETS])
    ]
    best = max(found, key=lambda each: each.score)  # of equal ones the first
    named = {"sheet": best.raw.sheet} if len(sheets) > 1 else {}
    mapping = best.mapping.model_copy(update=named)
    return Proposal(mapping, tuple(filter(None, best.heads)), sheets, best.layout)


@dataclass
class _Guess:
    """Meaning of the columns under one choice of head rows."""

    columns: dict[str, str] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)
    spread: Spread | None = None

    @property
    def score(self) -> int:
        return len(self.columns) + (len(self.spread.columns) if self.spread else 0)


class _SheetReader:
    """Reader of one worksheet's first rows, which finds its heads and guesses its columns."""

    def __init__(self, kind: CountKind, raw: RawRows, of_cases: bool) -> None:
        self.kind, self.raw, self.of_cases = kind, raw, of_cases
        lists = shipped_code_lists()
        self.parsers: _Parsers = key_parsers(kind, lists, lists.newest, of_cases=of_cases)
        self.layout, self.heads, self.mapping, self.score = self._find()

    def _find(self) -> tuple[str, list[str], TableMapping, int]:
        rows = range(1, min(MAX_HEAD_ROWS, len(self.raw.rows)) + 1)
        for row in rows:
            heads = read_heads(self.raw, row, 1)
            for layout in known_layouts(self.kind.kind):
                if layout.heads <= set(heads):
                    if layout.mapping.cases is not None and not self.of_cases:
                        raise ImportNotPossibleError(_SINGLE_CASES)
                    there = {k: head for k, head in layout.mapping.columns.items() if head in heads}
                    own: dict[str, object] = {"head_row": row, "columns": there}
                    cases = layout.mapping.cases
                    if cases is not None:
                        own["cases"] = {k: c for k, c in cases.items() if c.column in heads}
                    mapping = layout.mapping.model_copy(update=own)
                    return layout.name, heads, mapping, len(heads)
        best: tuple[int, int, int] = (0, 0, 0)
        for row in rows:
            for count in (1, 2):
                guess = self._guess_from_heads(read_heads(self.raw, row, count), row)
                # Of two rows of heads as good as one, one is enough; the upper of two goes first.
                best = max(best, (guess.score, -count, -row))
        row, count = (-best[2], -best[1]) if best[0] else (1, 1)
        heads = read_heads(self.raw, row, count)
        guess = self._guess_from_heads(heads, row)
        self._add_by_values(guess, heads, row - 1 + count)
        return "", heads, self._build(guess, row, count), guess.score

    def _guess_from_heads(self, heads: Sequence[str], head_row: int) -> _Guess:
        guess = _Guess()
        usual = dict(_usual_heads(self.kind.kind))
        if self.of_cases:
            del usual[self.kind.measures[0]]
        guess.columns = guess_columns(heads, usual)
        if not self.of_cases:
            guess.spread = self._guess_spread(guess, heads, head_row)
        for key, head in guess.columns.items():
            titles = list_titles(self.raw, head_row)
            if key in self.kind.money and (unit := find_unit(head, titles)) != 1:
                guess.units[key] = unit
        return guess

    def spread_columns(
        self, key: str, heads: Iterable[str], head_row: int
    ) -> Iterator[SpreadColumn]:
        """Yield what the heads stand for that are values of a key, also with a measure."""
        for head in heads:
            found = self._read_spread_head(key, self.parsers[key], head, head_row)
            if found is not None:
                yield found

    def _guess_spread(self, guess: _Guess, heads: Sequence[str], head_row: int) -> Spread | None:
        """Return columns whose heads are values of a key, for the key with most of them."""
        by_key: dict[str, list[SpreadColumn]] = {}
        free = [head for head in heads if head and head not in guess.columns.values()]
        for key in self.parsers:
            if key in guess.columns or not self._is_spread_key(key):
                continue
            columns = list(self.spread_columns(key, free, head_row))
            # Of two columns for the same value and measure a person has to say which.
            pairs = Counter((fold_name(each.value), each.measure) for each in columns)
            by_key[key] = [
                each for each in columns if pairs[fold_name(each.value), each.measure] == 1
            ]
        best = max(by_key.values(), key=len, default=[])
        if len(best) < 2:
            return None
        for each in best:
            guess.columns.pop(each.measure, None)
        key = next(key for key, columns in by_key.items() if columns is best)
        return Spread(key=key, columns=best)

    def _is_spread_key(self, key: str) -> bool:
        return key == self.kind.when or isinstance(self.kind.keys[key], CodeListName)

    def _read_spread_head(
        self, key: str, parse: Callable[[str], str | None], head: str, head_row: int
    ) -> SpreadColumn | None:
        """Return what a head such as `Food / Solved` stands for; None if it names no value."""
        usual = _usual_heads(self.kind.kind)
        value, measure = "", self.kind.measures[0]
        for part in head.split(JOINT):
            bare = bare_head(part)
            named = next((each for each in self.kind.measures if bare in usual[each]), None)
            if named is not None:
                measure = named
            elif parse(bare) is not None and not value:
                value = BRACKETS.sub("", part).strip()
            elif key == PERIOD and (month := self._find_month_of_head(part, head_row)):
                value = month
            else:
                return None
        return SpreadColumn(column=head, value=value, measure=measure) if value else None

    def _find_month_of_head(self, part: str, head_row: int) -> str | None:
        month = MONTH_ALONE.fullmatch(fold(part))
        year = next(
            (found for text in list_titles(self.raw, head_row) if (found := _YEAR.search(text))),
            None,
        )
        return parse_month(f"{year[1]}-{month[1]}") if month and year else None

    def _add_by_values(self, guess: _Guess, heads: Sequence[str], first: int) -> None:
        """Propose columns that no head explains for the keys that their values fit."""
        used = {*guess.columns.values()}
        used |= {each.column for each in guess.spread.columns} if guess.spread else set()
        free = [
            (place, head)
            for place, head in enumerate(heads)
            if head and head not in used and not is_personal(head)
        ]
        texts = {
            head: [row[place] for row in self.raw.rows[first:] if place < len(row) and row[place]]
            for place, head in free
        }
        taken = {*guess.columns, *({guess.spread.key} if guess.spread else set())}
        for key, parse in self.parsers.items():
            if key in taken or key == TOPIC:
                continue
            fitting = [head for head, own in texts.items() if _share(own, parse) > _FITTING_SHARE]
            if self.kind.keys.get(key) is CodeListName.AGE_GROUP:
                # A number may be an age, a count or an amount: only its head can say.
                fitting = [head for head in fitting if not _share(texts[head], parse_number)]
            if len(fitting) == 1:
                guess.columns[key] = fitting[0]
                texts.pop(fitting[0])
        measure = self.kind.measures[0]
        if TOPIC in self.parsers and not taken & {TOPIC, measure} and guess.spread is None:
            # Topics have no list: what stands beside the keys and holds numbers are topics.
            numbers = [head for head, own in texts.items() if _share(own, parse_number) == 1]
            if numbers:
                guess.spread = Spread(
                    key=TOPIC,
                    columns=[
                        SpreadColumn(column=head, value=_value_of_topic(head), measure=measure)
                        for head in numbers
                    ],
                )

    def _build(self, guess: _Guess, row: int, count: int) -> TableMapping:
        constants = {}
        taken = {*guess.columns, *({guess.spread.key} if guess.spread else set())}
        titles = [text for text in list_titles(self.raw, row) if not _RANGE.search(text)]
        if self.kind.when not in taken and self.kind.when == PERIOD:
            months = {parse_month(each) for text in titles for each in _MONTH.findall(text)}
            if len(months) == 1 and (month := months.pop()):
                constants[PERIOD] = month
        if AREA not in taken and self.kind.columns[AREA].required:
            areas = {self.parsers[AREA](text) for text in titles} - {None}
            if len(areas) == 1:
                constants[AREA] = str(areas.pop())
        return TableMapping(
            kind=self.kind.kind,
            head_row=row,
            head_rows=count,
            columns=guess.columns,
            constants=constants,
            units=guess.units,
            spread=guess.spread,
            cases={} if self.of_cases else None,
        )


def spread_over(
    kind: CountKind, content: bytes, mapping: TableMapping, key: str, heads: Sequence[str]
) -> Spread | None:
    """Return the spread of the columns `heads` over a key, by their heads; None of none.

    A head that names no value of the key is taken for the value itself, of the first measure.
    """
    raw = read_raw_rows(content, sheet=mapping.sheet, most_rows=_SAMPLE_ROWS)
    reader = _SheetReader(kind, raw, of_cases=False)
    known = {each.column: each for each in reader.spread_columns(key, heads, mapping.head_row)}
    measure = kind.measures[0]
    columns = [
        known.get(head) or SpreadColumn(column=head, value=_value_of_topic(head), measure=measure)
        for head in heads
    ]
    return Spread(key=key, columns=columns) if columns else None


def _share(texts: Sequence[str], parse: Callable[[str], str | None]) -> float:
    """Return the share of texts that are understood; 0 of none."""
    return sum(parse(text) is not None for text in texts) / len(texts) if texts else 0.0


def _value_of_topic(head: str) -> str:
    return "" if fold_name(head) in map(fold_name, import_words()["total"]) else head
