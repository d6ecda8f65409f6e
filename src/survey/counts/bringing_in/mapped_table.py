"""A file read by its mapping: the columns of a delivery, from whatever layout the file has.

Only mapped columns are taken out of the file. A case list keeps nothing of a case: every row
becomes one count, and the check adds them up.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice

import numpy as np
import pyarrow as pa

from survey.collection.importing.rejections import ImportNotPossibleError
from survey.counts.bringing_in.loose_texts import fold_name, key_parsers
from survey.counts.bringing_in.table_mapping import (
    Condition,
    Spread,
    TableMapping,
    is_personal,
    require_fitting,
    translate_codes,
)
from survey.counts.count_declaration import CountKind
from survey.frame.code_lists import CodeLists, shipped_code_lists
from survey.frame.written_places import import_words
from survey.locale import msg
from survey.tabular.raw_rows import (
    RawRows,
    iter_filled_parts,
    list_sheets,
    read_heads,
    read_raw_rows,
)
from survey.tabular.text_files import MAX_COUNT_ROWS, MAX_ROWS, iter_text_rows
from survey.tabular.text_table import CodedColumn, FileUnreadableError, TextTable
from survey.tabular.written_dates import fold
from survey.tabular.written_numbers import parse_number

MAX_LISTED_TEXTS = 60
"""Texts of a column that a person is asked about."""
_ASKED_ROWS = 20_000
"""Rows in which such texts are looked for; what comes later is a problem of its row."""
_DASHES = frozenset({"-", "--", "\u2014", "\u2014\u2014", "\u2013", "/"})


@dataclass(frozen=True, eq=False)
class MappedTable:
    """A file's rows under the column keys of its kind, with where each cell stands in the file."""

    mapping: TableMapping
    table: TextTable
    source: TextTable
    """The mapped columns as they stand in the file; of a case list without rows' cells."""
    left_out: int
    """Rows of subtotals and notes below the table that were left out."""
    ignored: tuple[str, ...]
    """Heads of columns that were not read."""
    also: Mapping[str, CodedColumn]
    """Head -> column, of those that were asked for beside the mapped ones."""

    def head(self, column: str, at: int) -> str:
        """Return the head in the file of a column of `table` at a row position of it."""
        spread, rows = self.mapping.spread, len(self.source.rows)
        if spread is not None:
            value = _values_of(spread)[at // rows]
            for each in spread.columns:
                if each.value == value and column in {each.measure, spread.key}:
                    return each.column
        condition = (self.mapping.cases or {}).get(column)
        return condition.column if condition else self.mapping.columns.get(column, column)


def list_heads(content: bytes, mapping: TableMapping) -> tuple[str, ...]:
    """Return the heads of the columns in the rows that the mapping names."""
    last = mapping.head_row - 1 + mapping.head_rows
    top = read_raw_rows(content, sheet=mapping.sheet, most_rows=last)
    return tuple(filter(None, read_heads(top, mapping.head_row, mapping.head_rows)))


def list_texts(
    content: bytes, mapping: TableMapping, heads: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """Return, by head, the different texts of columns in the first rows, as they come.

    Of each column at most `MAX_LISTED_TEXTS`; of one that is called like personal data none.
    """
    last = mapping.head_row - 1 + mapping.head_rows
    top = read_raw_rows(content, sheet=mapping.sheet, most_rows=last)
    known = read_heads(top, mapping.head_row, mapping.head_rows)
    places = {head: known.index(head) for head in heads if head in known and not is_personal(head)}
    columns = set(places.values())
    raw = read_raw_rows(content, sheet=mapping.sheet, columns=columns, most_rows=_ASKED_ROWS)
    texts = {
        head: dict.fromkeys(row[place].strip() for row in raw.rows[last:] if place < len(row))
        for head, place in places.items()
    }
    return {head: tuple(found)[:MAX_LISTED_TEXTS] for head, found in texts.items()}


def list_unknown_texts(
    kind: CountKind, mapping: TableMapping, texts: Mapping[str, Sequence[str]], version: str
) -> dict[str, tuple[str, ...]]:
    """Return, by key with a code list, those of its column's `texts` that no code is known for."""
    parsers = key_parsers(kind, shipped_code_lists(), version)
    unknown = {}
    for key in kind.codes:
        known = translate_codes(mapping.codes.get(key, {}))
        strange = tuple(
            text
            for text in texts.get(mapping.columns.get(key, ""), ())
            if text and fold(text) not in known and not parsers[key](text)
        )
        if strange:
            unknown[key] = strange
    return unknown


def read_mapped_table(
    kind: CountKind,
    content: bytes,
    mapping: TableMapping,
    *,
    lists: CodeLists,
    version: str,
    also: Iterable[str] = (),
) -> MappedTable:
    """Return a file's rows in the columns of `kind`, as the mapping says.

    Args:
        also: Heads of columns that are read besides.

    Raises:
        FileUnreadableError: There is no readable table in the file.
        ImportNotPossibleError: The mapping does not fit the kind or the file.
    """
    require_fitting(mapping, kind)
    first = mapping.head_row - 1 + mapping.head_rows
    top = read_raw_rows(content, sheet=mapping.sheet, most_rows=first)
    heads = read_heads(top, mapping.head_row, mapping.head_rows)
    places = {}
    for head in dict.fromkeys((*mapping.heads, *also)):
        if head not in heads:
            raise ImportNotPossibleError(
                msg("The mapping names a column {column} that the file lacks.", column=head)
            )
        places[head] = heads.index(head)
    if list_sheets(content) == ("",):
        # Row by row: the cells of a million cases together would take a gigabyte.
        raw = RawRows(())
        rows: Iterable[Sequence[str]] = iter_text_rows(
            content, limit=MAX_ROWS if mapping.cases is None else MAX_COUNT_ROWS
        )
    else:
        raw = read_raw_rows(content, sheet=mapping.sheet, columns=set(places.values()))
        rows = _fill_merged(kind, mapping, raw, places, first)
    source, left_out = _take_rows(kind, mapping, rows, places, first)
    source = replace(source, sheet=raw.sheet, other_sheets=raw.other_sheets)
    ignored = tuple(head for head in heads if head and head not in places)
    table = _ColumnMaker(kind, mapping, source, lists, version).build()
    besides = {head: source.texts(source.header.index(head)) for head in also}
    if mapping.cases is not None:
        source = TextTable((), (), source.rows, sheet=source.sheet)
    return MappedTable(mapping, table, source, left_out, ignored, besides)


def _fill_merged(
    kind: CountKind, mapping: TableMapping, raw: RawRows, places: Mapping[str, int], first: int
) -> Sequence[list[str]]:
    """Return the rows with the value of merged cells in all their rows, in columns of keys.

    A number of merged cells is of one row alone.
    """
    columns = {places[head] for key, head in mapping.columns.items() if key in kind.keys}
    for at, place, text in iter_filled_parts(raw, first, columns):
        raw.rows[at][place] = text
    return raw.rows


def _take_rows(
    kind: CountKind,
    mapping: TableMapping,
    rows: Iterable[Sequence[str]],
    places: Mapping[str, int],
    first: int,
) -> tuple[TextTable, int]:
    """Return the mapped columns of the rows that hold counts, and the number of others."""
    keys = [head for key, head in mapping.columns.items() if key in kind.keys]
    notes, subtotals = import_words()["note"], set(import_words()["subtotal"])
    # A case is no subtotal. Each text is looked at once.
    marked = [places[head] for head in keys] if mapping.cases is None else []
    is_subtotal = lru_cache(maxsize=None)(lambda text: fold_name(text) in subtotals)
    known: list[dict[str, int]] = [{} for _ in places]
    columns = [array("i") for _ in places]
    numbers = array("q")
    left_out = 0
    for number, row in enumerate(islice(rows, first, None), start=first + 1):
        cells = [row[place].strip() if place < len(row) else "" for place in places.values()]
        filled = [cell for cell in cells if cell]
        if not filled:
            continue
        is_note = len(filled) == 1 and fold(filled[0]).startswith(notes)
        if is_note or any(is_subtotal(row[place]) for place in marked if place < len(row)):
            left_out += 1
            continue
        numbers.append(number)
        for codes, texts, cell in zip(columns, known, cells, strict=True):
            codes.append(texts.setdefault(cell, len(texts)))
    if not numbers:
        raise FileUnreadableError(msg("The file has a header but no rows."))
    arrays = [
        pa.DictionaryArray.from_arrays(np.frombuffer(codes, np.int32), pa.array(texts, pa.string()))
        for codes, texts in zip(columns, known, strict=True)
    ]
    return TextTable(tuple(places), arrays, np.frombuffer(numbers, np.int64)), left_out


def _encode(texts: Sequence[str]) -> pa.DictionaryArray:
    return pa.array(texts, pa.string()).dictionary_encode()


class _ColumnMaker:
    """Maker of the columns of a delivery from the mapped columns of a file."""

    def __init__(
        self,
        kind: CountKind,
        mapping: TableMapping,
        source: TextTable,
        lists: CodeLists,
        version: str,
    ) -> None:
        self.kind, self.mapping, self.source = kind, mapping, source
        self.parsers = key_parsers(kind, lists, version, of_cases=mapping.cases is not None)

    def build(self) -> TextTable:
        spread, rows = self.mapping.spread, self.source.rows
        columns = dict(self._iter_plain())
        if spread is not None:
            columns |= self._spread()
            repeats = len(_values_of(spread))
            for name in self.mapping.columns.keys() | self.mapping.constants.keys():
                columns[name] = columns[name] * repeats
            rows = np.tile(rows, repeats)
        return TextTable(
            tuple(columns),
            [_encode(texts) for texts in columns.values()],
            rows,
            sheet=self.source.sheet,
            other_sheets=self.source.other_sheets,
        )

    def _iter_plain(self) -> Iterator[tuple[str, list[str]]]:
        count = len(self.source.rows)
        for name, head in self.mapping.columns.items():
            yield name, self._translate(name, self._texts(head))
        for name, text in self.mapping.constants.items():
            yield name, self._translate(name, [text] * count)
        if self.mapping.cases is not None:
            if self.kind.measures[0] not in self.mapping.cases:
                yield self.kind.measures[0], ["1"] * count
            for name, condition in self.mapping.cases.items():
                yield name, self._count_cases(name, condition)

    def _count_cases(self, name: str, condition: Condition) -> list[str]:
        """Return 1 or 0 for each case; a measure of those accepted counts no other case."""
        means = dict.fromkeys(map(fold, condition.no), "0")
        means |= dict.fromkeys(map(fold, condition.yes), "1")
        counted = [means.get(fold(text), text) for text in self._texts(condition.column)]
        first = self.kind.measures[0]
        accepted = (self.mapping.cases or {}).get(first)
        is_part = (name, first) in self.kind.bounds
        if accepted is None or accepted.column == condition.column or not is_part:
            return counted
        refused = {fold(text) for text in accepted.no}
        return [
            "0" if number == "1" and fold(text) in refused else number
            for number, text in zip(counted, self._texts(accepted.column), strict=True)
        ]

    def _texts(self, head: str) -> list[str]:
        texts: list[str] = self.source.texts(self.source.header.index(head)).of_rows()
        return texts

    def _spread(self) -> dict[str, list[str]]:
        spread = self.mapping.spread
        assert spread is not None
        count = len(self.source.rows)
        values = _values_of(spread)
        by_pair = {(each.value, each.measure): each.column for each in spread.columns}
        made = {spread.key: [text for value in values for text in
                             self._translate(spread.key, [value]) * count]}  # fmt: skip
        for measure in dict.fromkeys(each.measure for each in spread.columns):
            made[measure] = []
            for value in values:
                head = by_pair.get((value, measure))
                texts = self._texts(head) if head else [""] * count
                made[measure] += self._translate(measure, texts)
        return made

    def _translate(self, name: str, texts: Sequence[str]) -> list[str]:
        """Return texts as the check accepts them; what is not understood stays as it is."""
        convert = self._choose_converter(name)
        known = {text: convert(text) for text in set(texts)}
        return [known[text] for text in texts]

    def _choose_converter(self, name: str) -> Callable[[str], str]:
        if name in self.kind.measures:
            factor = self.mapping.units.get(name, 1)
            zero = _DASHES | {""} if self.mapping.blank_is_zero else frozenset()
            return lambda text: "0" if text in zero else (parse_number(text, factor) or text)
        own = translate_codes(self.mapping.codes.get(name, {}))
        parse = self.parsers[name]

        def convert(text: str) -> str:
            wanted = own.get(fold(text), text)
            found = parse(wanted) if wanted else None
            return wanted if found is None else found

        return convert


def _values_of(spread: Spread) -> list[str]:
    return list(dict.fromkeys(each.value for each in spread.columns))
