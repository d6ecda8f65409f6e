"""A laboratory's own file of measured values, read by a mapping to the columns of the template.

A row for each value, or a row for each sample with a column for each characteristic; a table, or
the XML export of a laboratory's system. The mapping is proposed by the heads, and can be corrected.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Literal

from pydantic import Field

from survey.collection.importing.mapped_list import (
    ListMapping,
    ListProposal,
    MappedFile,
    parse_list_mapping,
    propose_list_mapping,
)
from survey.collection.importing.mapping_documents import Head, MappingDocument, Word
from survey.collection.importing.usual_heads import bare_head, guess_columns, read_usual_heads
from survey.comparative_tests.rules import GradingRules
from survey.comparative_tests.value_list import VALUE_SHEET
from survey.frame.workbook_io import ListedRows
from survey.tabular.raw_rows import JOINT
from survey.tabular.written_dates import fold

_KIND: Literal["test-values"] = "test-values"
_CELLS = ("value", "uncertainty", "coverage")
_REQUIRED = ("sample", "characteristic", "value", "measured_on")
_MERGED = ("sample", "characteristic", "measured_on")
_PLUS_MINUS = "\u00b1"
_SIGNS = frozenset(f"0123456789.<- {_PLUS_MINUS}")


class ValueColumn(MappingDocument):
    """One of several columns of a wide table: what it holds of which characteristic."""

    column: Head
    characteristic: Word
    cell: Literal["value", "uncertainty", "coverage"] = "value"


class ValueMapping(ListMapping):
    """Meaning of the columns of a laboratory's file; keys are those of the template."""

    kind: Literal["test-values"] = _KIND
    spread: list[ValueColumn] = Field(default=[])
    """Columns side by side for the characteristics of a sample."""

    def list_columns(self) -> list[tuple[str, str]]:
        """Return key and head of every column that is read."""
        spread = [(each.cell, each.column) for each in self.spread]
        return [*super().list_columns(), *spread]


def parse_value_mapping(content: bytes) -> ValueMapping:
    """Return the mapping in a JSON file; raise `ImportNotPossibleError` if it is none."""
    return parse_list_mapping(content, ValueMapping, VALUE_SHEET)


def propose_value_mapping(content: bytes, rules: GradingRules) -> ListProposal[ValueMapping]:
    """Return the mapping proposed for a file by its heads: of its best worksheet.

    Args:
        rules: Their characteristics are looked for among the heads of a wide table; empty rules
            know none.

    Raises:
        FileUnreadableError: There is no readable table in the file.
    """
    return propose_list_mapping(content, partial(_guess, rules=rules))


def read_laboratory_file(content: bytes, mapping: ValueMapping) -> list[ListedRows]:
    """Return the rows of a file in the columns of the template, labelled as the file has them.

    Of a wide table there is one list for each characteristic.

    Raises:
        FileUnreadableError: There is no readable table in the file.
        ImportNotPossibleError: The mapping names a column that the file lacks, or leaves one out
            that is needed.
    """
    # The columns of a wide table say the characteristic, and hold the values.
    required = [key for key in _REQUIRED if not mapping.spread or key not in _REQUIRED[1:3]]
    file = MappedFile(content, mapping, VALUE_SHEET, required, _MERGED)
    spread = _group_by_characteristic(mapping.spread) or {"": {}}
    return [
        file.read(own, partial(_tidy, fixed={*mapping.constants}, characteristic=characteristic))
        for characteristic, own in spread.items()
    ]


def _tidy(cells: dict[str, str], fixed: Collection[str], characteristic: str) -> dict[str, str]:
    """Return cells as the template has them: no full width, and 31.0 ± 0.4 apart.

    Args:
        fixed: Keys of what holds for all rows; a factor only for values with an uncertainty.
        characteristic: Characteristic of a wide table; empty if the cells say it.
    """
    made = cells | ({"characteristic": characteristic} if characteristic else {})
    for key in _CELLS:
        if key in made and not set(plain := fold(made[key])) - _SIGNS:
            made[key] = plain
    value, sign, half = made.get("value", "").partition(_PLUS_MINUS)
    if sign and not made.get("uncertainty"):
        made |= {"value": value.strip(), "uncertainty": half.strip()}
    if "coverage" in fixed and not made.get("uncertainty"):
        del made["coverage"]
    return made


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


def _guess(heads: Sequence[str], _: Sequence[str], rules: GradingRules) -> ValueMapping:
    """Return the columns of keys and of characteristics; of two alike neither."""
    columns = guess_columns(heads, _usual_heads(), _bare)
    spread = [] if "characteristic" in columns else list(_iter_spread(heads, rules))
    if spread:
        taken = {each.column for each in spread}
        columns = {key: head for key, head in columns.items()
                   if key not in _CELLS[:1] and head not in taken}  # fmt: skip
    return ValueMapping(columns=columns, spread=spread)


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
