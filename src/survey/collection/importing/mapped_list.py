"""Lists in whatever layout a file has, read by a mapping to the columns of their template.

The mapping is proposed by the heads, and can be corrected. Titles above the table, merged cells,
totals and notes below it are understood.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Generic, TypeVar

from pydantic import Field

from survey.collection.importing.mapping_documents import (
    MAX_HEAD_ROW,
    Head,
    MappingDocument,
    Word,
    parse_mapping_document,
)
from survey.collection.importing.rejections import ImportNotPossibleError
from survey.collection.importing.usual_heads import MAX_HEAD_ROWS, MAX_SHEETS, list_titles
from survey.frame.workbook_io import ListedRows, WorkbookRow, WorkbookSheet
from survey.frame.written_places import import_words
from survey.locale import Message, Translator, msg
from survey.tabular.raw_rows import (
    RawRows,
    iter_filled_parts,
    list_sheets,
    read_heads,
    read_raw_rows,
)
from survey.tabular.text_table import FileUnreadableError
from survey.tabular.written_dates import fold
from survey.tabular.written_numbers import parse_number
from survey.tabular.xml_rows import is_xml, read_xml_rows


class ListMapping(MappingDocument):
    """Meaning of the columns of a file; keys are those of the template."""

    kind: str
    """Name of the template's worksheet."""
    sheet: str = ""
    """Worksheet; empty: the first with content."""
    head_row: Annotated[int, Field(ge=1, le=MAX_HEAD_ROW)] = 1
    head_rows: Annotated[int, Field(ge=1, le=2)] = 1
    columns: dict[str, Head] = Field(default={})
    """Key of the template -> head of its column."""
    constants: dict[str, Word] = Field(default={})
    """Key of the template -> what holds for all rows."""
    units: dict[str, Annotated[int, Field(ge=1, le=100_000_000)]] = Field(default={})
    """Key of a number -> factor: 10000 where the file counts in ten thousands."""
    codes: dict[str, dict[str, Word]] = Field(default={})
    """Key -> text of the file -> what the template has for it."""

    def list_columns(self) -> list[tuple[str, str]]:
        """Return key and head of every column that is read."""
        return list(self.columns.items())


_M = TypeVar("_M", bound=ListMapping)


@dataclass(frozen=True)
class ListProposal(Generic[_M]):
    """Mapping proposed for a file, and all its heads, of which a person may choose others."""

    mapping: _M
    heads: tuple[str, ...]


def parse_list_mapping(content: bytes, kind: type[_M], sheet: WorkbookSheet) -> _M:
    """Return the mapping to a template in a JSON file, or raise `ImportNotPossibleError`."""
    mapping = parse_mapping_document(content, kind)
    known = [column.key for column in sheet.columns]
    given: tuple[tuple[str, Collection[str]], ...] = (
        ("columns", mapping.columns), ("constants", mapping.constants),
        ("units", mapping.units), ("codes", mapping.codes),
    )  # fmt: skip
    for place, names in given:
        for name in sorted({*names} - {*known}):
            raise ImportNotPossibleError(
                msg(
                    "Mapping file, {place}: {name} is none of {known}.",
                    place=place,
                    name=name[:40],
                    known=", ".join(known),
                )
            )
    return mapping


def propose_list_mapping(
    content: bytes, guess: Callable[[Sequence[str], Sequence[str]], _M]
) -> ListProposal[_M]:
    """Return the mapping proposed for a file by its heads: of its best worksheet.

    Args:
        guess: Returns the mapping of the columns by their heads and the titles above them.

    Raises:
        FileUnreadableError: There is no readable table in the file.
    """
    best: tuple[int, ListProposal[_M]] | None = None
    sheets = ("",) if is_xml(content) else list_sheets(content)
    for sheet in sheets[:MAX_SHEETS]:
        raw = _read_raw(content, sheet, MAX_HEAD_ROWS + 2)
        named = sheet if len(sheets) > 1 else ""
        for row in range(1, min(MAX_HEAD_ROWS, len(raw.rows)) + 1):
            for count in (1, 2):
                heads = read_heads(raw, row, count)
                guessed = guess(heads, list_titles(raw, row))
                score = len(guessed.list_columns())
                if best is None or score > best[0]:
                    place = {"sheet": named, "head_row": row, "head_rows": count}
                    mapping = guessed.model_copy(update=place)
                    best = score, ListProposal(mapping, tuple(filter(None, heads)))
    if best is None:
        raise FileUnreadableError(msg("The file is empty."))
    return best[1]


def _read_raw(content: bytes, sheet: str, most_rows: int | None = None) -> RawRows:
    if is_xml(content):
        return read_xml_rows(content)
    return read_raw_rows(content, sheet=sheet, most_rows=most_rows)


@dataclass
class MappedFile:
    """File that is read by a mapping in the columns of a template.

    Args:
        required: Keys that need a column, or one value for all rows.
        merged: Keys of which merged cells hold for all their rows; else for the first alone.

    Raises:
        FileUnreadableError: There is no readable table in the file.
        ImportNotPossibleError: The mapping names a column that the file lacks, or leaves one out
            that is needed.
    """

    content: bytes
    mapping: ListMapping
    sheet: WorkbookSheet
    required: Collection[str]
    merged: Collection[str]
    _raw: RawRows = field(init=False)
    _heads: list[str] = field(init=False)

    def __post_init__(self) -> None:
        mapping = self.mapping
        given = {*mapping.constants, *(key for key, _ in mapping.list_columns())}
        for column in self.sheet.columns:
            if column.key in self.required and column.key not in given:
                raise ImportNotPossibleError(
                    msg("No column of the file was found for “{column}”. Please give a mapping.",
                        column=column.label)
                )  # fmt: skip
        self._raw = _read_raw(self.content, mapping.sheet)
        self._heads = read_heads(self._raw, mapping.head_row, mapping.head_rows)
        for _, head in mapping.list_columns():
            if head not in self._heads:
                raise ImportNotPossibleError(
                    msg("The mapping names a column {column} that the file lacks.", column=head)
                )
        self._first = mapping.head_row - 1 + mapping.head_rows
        places = self._find_places(mapping.columns)
        merged = {place for key, place in places.items() if key in self.merged}
        for row, place, text in iter_filled_parts(self._raw, self._first, merged):
            self._raw.rows[row][place] = text

    def read(
        self,
        own: Mapping[str, str] | None = None,
        tidy: Callable[[dict[str, str]], dict[str, str]] = dict,
    ) -> ListedRows:
        """Return the rows in the columns of the template, labelled as the file has them.

        Args:
            own: Key -> head of further columns, of which a row fills one at least.
            tidy: Returns the cells of a row as the template has them.
        """
        labels, needed = {**self.mapping.columns, **(own or {})}, own or self.mapping.columns
        codes = {key: {fold(text): code for text, code in known.items()}
                 for key, known in self.mapping.codes.items()}  # fmt: skip
        rows = []
        for number, cells in self._iter_cells(self._find_places(labels)):
            if any(cells[key] for key in needed):
                made = {key: codes.get(key, {}).get(fold(text), text)
                        for key, text in cells.items()}  # fmt: skip
                for key, unit in self.mapping.units.items():
                    made[key] = parse_number(made.get(key, ""), unit) or made.get(key, "")
                rows.append(WorkbookRow(number, tidy(made | self.mapping.constants)))
        return ListedRows(_label(self.sheet, labels), rows)

    def _find_places(self, heads: Mapping[str, str]) -> dict[str, int]:
        return {key: self._heads.index(head) for key, head in heads.items()}

    def _iter_cells(self, places: Mapping[str, int]) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield row number and key -> text of the rows, without totals and notes."""
        notes = import_words()["note"]
        totals = {*import_words()["total"], *import_words()["subtotal"]}
        for number, row in enumerate(self._raw.rows[self._first :], start=self._first + 1):
            cells = {key: row[at].strip() if at < len(row) else "" for key, at in places.items()}
            filled = [fold(cell) for cell in row if cell.strip()]
            is_note = len(filled) == 1 and filled[0].startswith(notes)
            # A line of sums says nothing of most columns; an entry may well be called "all".
            is_sparse = sum(map(bool, cells.values())) * 2 <= len(cells)
            if not is_note and not (is_sparse and totals & {*filled}):
                yield number, cells


def _label(sheet: WorkbookSheet, heads: Mapping[str, str]) -> WorkbookSheet:
    """Return a sheet with the heads of the file as labels of its columns."""
    return replace(
        sheet,
        columns=tuple(
            replace(column, label=Message("{head}", {"head": heads[column.key]}))
            if column.key in heads
            else column
            for column in sheet.columns
        ),
    )


def describe_mapping(mapping: ListMapping, sheet: WorkbookSheet, t: Translator) -> str:
    """Return which columns of a file were read, and as what of the template."""
    labels = {column.key: t(column.label) for column in sheet.columns}
    named: Iterable[tuple[str, str]] = (*mapping.list_columns(), *mapping.constants.items())
    parts = [t("{name}: {head}", name=labels[key], head=text) for key, text in named
             if key in labels]  # fmt: skip
    return t("The columns were read as follows. {columns}", columns=" · ".join(parts))
