"""A laboratory's own file of measured values, read by a mapping to the columns of the template.

A row for each value, or a row for each sample with a column for each characteristic; a table, or
the XML export of a laboratory's system. The mapping is proposed by the heads, and can be corrected.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Field

from survey.collection.importing.mapping_documents import (
    MAX_HEAD_ROW,
    Head,
    MappingDocument,
    Word,
    parse_mapping_document,
)
from survey.collection.importing.rejections import ImportNotPossibleError
from survey.collection.importing.usual_heads import (
    MAX_HEAD_ROWS,
    MAX_SHEETS,
    bare_head,
    guess_columns,
    read_usual_heads,
)
from survey.comparative_tests.rules import GradingRules
from survey.comparative_tests.value_list import VALUE_SHEET
from survey.frame.workbook_io import ListedRows, WorkbookRow, WorkbookSheet
from survey.locale import Message, msg
from survey.tabular.raw_rows import (
    JOINT,
    RawRows,
    iter_filled_parts,
    list_sheets,
    read_heads,
    read_raw_rows,
)
from survey.tabular.text_table import FileUnreadableError
from survey.tabular.written_dates import fold
from survey.tabular.xml_rows import is_xml, read_xml_rows

_KIND: Literal["test-values"] = "test-values"
_KEYS = tuple(column.key for column in VALUE_SHEET.columns)
_CELLS = ("value", "uncertainty", "coverage")
_REQUIRED = ("sample", "characteristic", "value", "measured_on")
_PLUS_MINUS = "\u00b1"
_SIGNS = frozenset(f"0123456789.<- {_PLUS_MINUS}")


class ValueColumn(MappingDocument):
    """One of several columns of a wide table: what it holds of which characteristic."""

    column: Head
    characteristic: Word
    cell: Literal["value", "uncertainty", "coverage"] = "value"


class ValueMapping(MappingDocument):
    """Meaning of the columns of a laboratory's file; keys are those of the template."""

    kind: Literal["test-values"] = _KIND
    sheet: str = ""
    """Worksheet; empty: the first with content."""
    head_row: Annotated[int, Field(ge=1, le=MAX_HEAD_ROW)] = 1
    head_rows: Annotated[int, Field(ge=1, le=2)] = 1
    columns: dict[str, Head] = Field(default={})
    """Key of the template -> head of its column."""
    constants: dict[str, Word] = Field(default={})
    """Key of the template -> what holds for all rows, such as the coverage factor."""
    spread: list[ValueColumn] = Field(default=[])
    """Columns side by side for the characteristics of a sample."""
    codes: dict[str, dict[str, Word]] = Field(default={})
    """Key -> text of the file -> number of the sample, or characteristic."""


@dataclass(frozen=True)
class ValueProposal:
    """Mapping proposed for a file, and all its heads, of which a person may choose others."""

    mapping: ValueMapping
    heads: tuple[str, ...]


def parse_value_mapping(content: bytes) -> ValueMapping:
    """Return the mapping in a JSON file; raise `ImportNotPossibleError` if it is none."""
    mapping = parse_mapping_document(content, ValueMapping)
    for field, names in (("columns", mapping.columns), ("constants", mapping.constants),
                         ("codes", mapping.codes)):  # fmt: skip
        for name in sorted({*names} - {*_KEYS}):
            raise ImportNotPossibleError(
                msg(
                    "Mapping file, {place}: {name} is none of {known}.",
                    place=field,
                    name=name[:40],
                    known=", ".join(_KEYS),
                )
            )
    return mapping


def propose_value_mapping(content: bytes, rules: GradingRules) -> ValueProposal:
    """Return the mapping proposed for a file by its heads: of its best worksheet.

    Args:
        rules: Their characteristics are looked for among the heads of a wide table; empty rules
            know none.

    Raises:
        FileUnreadableError: There is no readable table in the file.
    """
    best: tuple[int, ValueProposal] | None = None
    sheets = ("",) if is_xml(content) else list_sheets(content)
    for sheet in sheets[:MAX_SHEETS]:
        raw = _read_raw(content, sheet, MAX_HEAD_ROWS + 2)
        for row in range(1, min(MAX_HEAD_ROWS, len(raw.rows)) + 1):
            for count in (1, 2):
                heads = read_heads(raw, row, count)
                columns, spread = _guess(heads, rules)
                score = len(columns) + len(spread)
                if best is None or score > best[0]:
                    mapping = ValueMapping(
                        sheet=sheet if len(sheets) > 1 else "", head_row=row, head_rows=count,
                        columns=columns, spread=spread,
                    )  # fmt: skip
                    best = score, ValueProposal(mapping, tuple(filter(None, heads)))
    if best is None:
        raise FileUnreadableError(msg("The file is empty."))
    return best[1]


def read_laboratory_file(content: bytes, mapping: ValueMapping) -> list[ListedRows]:
    """Return the rows of a file in the columns of the template, labelled as the file has them.

    Of a wide table there is one list for each characteristic.

    Raises:
        FileUnreadableError: There is no readable table in the file.
        ImportNotPossibleError: The mapping names a column that the file lacks, or leaves one out
            that is needed.
    """
    given = {*mapping.columns, *mapping.constants}
    if mapping.spread:
        given |= {"characteristic", "value"}
    missing = [column.label for column in VALUE_SHEET.columns
               if column.key in _REQUIRED and column.key not in given]  # fmt: skip
    if missing:
        raise ImportNotPossibleError(
            msg("No column of the file was found for “{column}”. Please give a mapping.",
                column=missing[0])
        )  # fmt: skip
    raw = _read_raw(content, mapping.sheet)
    heads = read_heads(raw, mapping.head_row, mapping.head_rows)
    first = mapping.head_row - 1 + mapping.head_rows
    for head in (*mapping.columns.values(), *(each.column for each in mapping.spread)):
        if head not in heads:
            raise ImportNotPossibleError(
                msg("The mapping names a column {column} that the file lacks.", column=head)
            )
    places = {key: heads.index(head) for key, head in mapping.columns.items()}
    merged = {places[key] for key in ("sample", "characteristic", "measured_on") if key in places}
    for row, place, text in iter_filled_parts(raw, first, merged):
        raw.rows[row][place] = text
    spread = _group_by_characteristic(mapping.spread) or {"": {}}
    codes = {key: {fold(text): code for text, code in known.items()}
             for key, known in mapping.codes.items()}  # fmt: skip
    lists = []
    for characteristic, columns in spread.items():
        labels = {**mapping.columns, **columns}
        own = {key: heads.index(head) for key, head in columns.items()}
        fixed = mapping.constants | ({"characteristic": characteristic} if columns else {})
        rows = [
            WorkbookRow(number, _translate(cells, fixed, codes))
            for number, cells in _iter_cells(raw, first, places | own, own)
        ]
        lists.append(ListedRows(_label(labels), rows))
    return lists


def _read_raw(content: bytes, sheet: str, most_rows: int | None = None) -> RawRows:
    if is_xml(content):
        return read_xml_rows(content)
    return read_raw_rows(content, sheet=sheet, most_rows=most_rows)


def _iter_cells(
    raw: RawRows, first: int, places: Mapping[str, int], needed: Mapping[str, int]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield row number and key -> text of the rows that hold something.

    Args:
        needed: Columns of which one has to be filled: a wide table may leave values out.
    """
    for number, row in enumerate(raw.rows[first:], start=first + 1):
        cells = {
            key: row[place].strip() if place < len(row) else "" for key, place in places.items()
        }
        if any(cells[key] for key in needed or places):
            yield number, cells


def _translate(
    cells: dict[str, str], fixed: Mapping[str, str], codes: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """Return the cells as the template has them: own codes, full width, and 31.0 ± 0.4 apart.

    Args:
        fixed: What holds for all rows; a coverage factor only for values with an uncertainty.
    """
    made = {key: codes.get(key, {}).get(fold(text), text) for key, text in cells.items()}
    for key in _CELLS:
        if key in made and not set(plain := fold(made[key])) - _SIGNS:
            made[key] = plain
    value, sign, half = made.get("value", "").partition(_PLUS_MINUS)
    if sign and not made.get("uncertainty"):
        made |= {"value": value.strip(), "uncertainty": half.strip()}
    is_bare = not made.get("uncertainty") and "uncertainty" not in fixed
    return made | {key: text for key, text in fixed.items() if key != "coverage" or not is_bare}


def _label(heads: Mapping[str, str]) -> WorkbookSheet:
    """Return the sheet of the template with the heads of the file as labels of its columns."""
    return replace(
        VALUE_SHEET,
        columns=tuple(
            replace(column, label=Message("{head}", {"head": heads[column.key]}))
            if column.key in heads
            else column
            for column in VALUE_SHEET.columns
        ),
    )


def _group_by_characteristic(spread: Sequence[ValueColumn]) -> dict[str, dict[str, str]]:
    grouped: dict[str, dict[str, str]] = {}
    for each in spread:
        grouped.setdefault(each.characteristic, {})[each.cell] = each.column
    return grouped


@lru_cache(maxsize=1)
def _usual_heads() -> Mapping[str, tuple[str, ...]]:
    """Return key of the template -> bare heads that it usually has, the best first."""
    names = {column.key: column.list_titles() for column in VALUE_SHEET.columns}
    return read_usual_heads(_KIND, names, _bare)


def _bare(head: str) -> str:
    """Return a bare head; names of XML elements have a line for a blank."""
    return bare_head(head.replace("_", ""))


def _guess(heads: Sequence[str], rules: GradingRules) -> tuple[dict[str, str], list[ValueColumn]]:
    """Return key -> head, and the columns of characteristics; of two alike neither."""
    columns = guess_columns(heads, _usual_heads(), _bare)
    spread = [] if "characteristic" in columns else list(_iter_spread(heads, rules))
    if spread:
        taken = {each.column for each in spread}
        columns = {key: head for key, head in columns.items()
                   if key not in _CELLS[:1] and head not in taken}  # fmt: skip
    return columns, spread


def _iter_spread(heads: Sequence[str], rules: GradingRules) -> Iterator[ValueColumn]:
    names = {
        _bare(text): each.key
        for each in rules.characteristics
        for text in (each.key, *each.name.values())
    }
    cells = {name: cell for cell in _CELLS for name in _usual_heads()[cell]}
    for head in heads:
        first, _, second = head.partition(JOINT)
        key = names.get(_bare(first))
        if key is not None and (not second or _bare(second) in cells):
            yield ValueColumn(
                column=head, characteristic=key,
                cell=cells[_bare(second)] if second else "value",  # type: ignore[arg-type]
            )  # fmt: skip
            continue
        # The uncertainty of a characteristic is called after both of them.
        for name, known in names.items():
            rest = _bare(head).removeprefix(name)
            if key is None and rest != _bare(head) and rest in _usual_heads()["uncertainty"]:
                yield ValueColumn(column=head, characteristic=known, cell="uncertainty")
