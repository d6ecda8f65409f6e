"""Heads that files of others usually have, and the columns of a file that they stand for."""

import csv
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from survey.frame.written_places import SEED
from survey.tabular.raw_rows import RawRows
from survey.tabular.written_dates import fold
from survey.tabular.written_numbers import SCALES

MAX_HEAD_ROWS, MAX_SHEETS = 20, 10
"""First rows of a worksheet, and worksheets of a file, among which heads are looked for."""
BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
"""Brackets, as of a unit, in a folded text."""
_YUAN = "\u5143"


def bare_head(head: str) -> str:
    """Return a head without its unit in brackets, blanks and a colon at its end, folded."""
    return BRACKETS.sub("", fold(head)).replace(" ", "").rstrip(":")


def read_usual_heads(
    kind: str, names: Mapping[str, Iterable[str]], bare: Callable[[str], str] = bare_head
) -> dict[str, tuple[str, ...]]:
    """Return key -> bare heads that its column usually has in files of a kind, the best first.

    Args:
        names: Heads of the template by key, which come before those of the shipped list.
    """
    heads = {key: [key, *own] for key, own in names.items()}
    with (SEED / "import_heads.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["kind"] == kind:
                heads[row["key"]] += row["heads"].split(";")
    return {key: tuple(dict.fromkeys(map(bare, own))) for key, own in heads.items()}


def guess_columns(
    heads: Sequence[str], usual: Mapping[str, Sequence[str]], bare: Callable[[str], str] = bare_head
) -> dict[str, str]:
    """Return key -> head of its column; of two columns alike a person has to say which."""
    known = [bare(head) for head in heads]
    columns: dict[str, str] = {}
    for key, names in usual.items():
        name = next((each for each in names if each in known), None)
        if name is not None and known.count(name) == 1:
            head = heads[known.index(name)]
            if head not in columns.values():
                columns[key] = head
    return columns


def list_titles(raw: RawRows, head_row: int) -> list[str]:
    """Return the name of a worksheet and the texts above its heads, folded."""
    above = [cell for row in raw.rows[: head_row - 1] for cell in row if cell.strip()]
    return [fold(text) for text in (raw.sheet, *above)]


def find_unit(head: str, titles: Iterable[str]) -> int:
    """Return the yuan that one unit of a column of money stands for, by its head or a note."""
    for text in (*reversed(BRACKETS.findall(fold(head))), *titles):
        for scale, factor in SCALES.items():
            if scale and scale + _YUAN in text:
                return factor
        if text == _YUAN:
            return 1
    return 1
