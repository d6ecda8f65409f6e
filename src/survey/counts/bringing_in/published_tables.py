"""Tables of a quarter as an association publishes them: by nature alone, or by class alone.

A table has a title with year and quarter (or half-year), one name, a count, and where it is printed
a share and the change on the same quarter of the year before. It needs no mapping. It is the
nation's: tables of several areas that add up to each other are delivered by month.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from hashlib import sha256

from survey.collection.importing.rejections import ImportNotPossibleError, RowRejection
from survey.counts.bringing_in.loose_texts import fold_name
from survey.counts.count_check import CountCheck
from survey.counts.count_declaration import TOTAL
from survey.counts.count_kinds import COMPLAINTS
from survey.frame.code_lists import CodeListName, shipped_code_lists
from survey.frame.written_places import import_words
from survey.locale import Message, msg
from survey.locale.figures import format_percent
from survey.tabular.raw_rows import list_sheets, read_raw_rows
from survey.tabular.written_dates import fold
from survey.tabular.written_numbers import parse_number

PUBLISHED_LENSES = (CodeListName.NATURE, CodeListName.GOODS_CLASS)
_MAX_ROWS, _MAX_SHEETS = 2_000, 10
_KNOWN_SHARE = 0.6
"""Share of the names below the heads that one code list must know."""
_YEAR = r"((?:19|20)\d\d)\s*\u5e74?\s*"
_BRACKETS = re.compile(r"[(\[][^()\[\]]*[)\]]")
_NUMBER = re.compile(r"([+-]?)(\d+(?:\.\d+)?)%?")
_DASHES = frozenset({"", "-", "\u2014", "\u2014\u2014", "\u2013", "/"})
_MAX_COUNT = 2_000_000_000


@dataclass(frozen=True)
class PublishedFigures:
    """One published table: counts by code of one list in a quarter or half-year of the nation."""

    period: str
    """`2024-Q1` or `2024-H1`."""
    lens: CodeListName
    counts: Mapping[str, int]
    """By code of the newest list; under `total` all together."""
    changes: Mapping[str, int] = field(default_factory=dict)
    """Change on a year before as it is printed, in hundredths of a per cent, by code."""


@dataclass(frozen=True)
class PublishedFile:
    """The published tables of a file, or what is wrong in them."""

    tables: tuple[PublishedFigures, ...]
    problems: tuple[RowRejection, ...]
    rows: int
    sha256: str

    @property
    def check(self) -> CountCheck:
        """The problems as those of any file of counts; the counts of these tables are apart."""
        count = len(self.problems)
        return CountCheck(COMPLAINTS, None, self.problems, count, self.rows, (), "", self.sha256)

    @property
    def periods(self) -> tuple[str, ...]:
        return tuple(sorted({each.period for each in self.tables}))


def find_period(text: str) -> str | None:
    """Return the quarter or half-year that a title names with its year, else None."""
    plain = fold(text).replace(" ", "")
    for role, letter in (("quarter", "Q"), ("half", "H")):
        for number, words in enumerate(";".join(import_words()[role]).split("|"), start=1):
            for word in words.split(";"):
                found = re.search(_YEAR + re.escape(word), plain)
                if found:
                    return f"{found[1]}-{letter}{number}"
    return None


def months_of_period(period: str) -> tuple[str, ...]:
    """Return the months of a quarter (`2024-Q1`) or half-year (`2024-H2`)."""
    length = 3 if period[5] == "Q" else 6
    first = (int(period[6]) - 1) * length + 1
    return tuple(f"{period[:4]}-{month:02}" for month in range(first, first + length))


def read_published_tables(content: bytes) -> PublishedFile | None:
    """Return the published tables of a file, of all worksheets; None if it has none.

    Raises:
        FileUnreadableError: There is no readable table in the file.
        ImportNotPossibleError: Two tables are of the same list and period.
    """
    found: list[PublishedFigures] = []
    problems: list[RowRejection] = []
    rows = 0
    for sheet in list_sheets(content)[:_MAX_SHEETS]:
        raw = read_raw_rows(content, sheet=sheet, most_rows=_MAX_ROWS)
        for block in _iter_blocks(sheet, raw.rows):
            reader = _BlockReader(block)
            rows += len(block.rows)
            found.append(reader.read())
            problems += reader.problems
    if not found:
        return None
    if len({(each.period, each.lens) for each in found}) < len(found):
        raise ImportNotPossibleError(
            msg("The file has two tables of the same list and quarter. Please keep one of them.")
        )
    return PublishedFile(tuple(found), tuple(problems), rows, sha256(content).hexdigest())


@dataclass(frozen=True)
class _Block:
    """Rows of one table, below its heads, with the title above them."""

    period: str
    lens: CodeListName
    heads: Sequence[str]
    places: Mapping[str, int]
    """Role (name, count, share, change) -> position of its column."""
    rows: Sequence[tuple[int, Sequence[str]]]
    """Number of the row in the worksheet, and its cells."""


def _iter_blocks(sheet: str, rows: Sequence[Sequence[str]]) -> Iterator[_Block]:
    period = find_period(sheet)
    for at, row in enumerate(rows):
        for cell in row:
            period = find_period(cell) or period
        places = _bind(row)
        if places is None or period is None:
            continue
        below = []
        for number, cells in enumerate(rows[at + 1 :], start=at + 2):
            if _bind(cells) is not None or _is_end(cells):
                break
            below.append((number, cells))
        lens = _find_lens([_cell(cells, places["name"]) for _, cells in below])
        if lens is not None:
            yield _Block(period, lens, row, places, below)


def _bind(row: Sequence[str]) -> dict[str, int] | None:
    """Return role -> position if a row holds the heads of a published table and nothing else."""
    places: dict[str, int] = {}
    for at, text in enumerate(row):
        plain = _BRACKETS.sub("", fold(text)).replace(" ", "")
        if not plain:
            continue
        role = next(
            (role for role in ("name", "count", "share", "change")
             if plain in import_words()[f"published_{role}"]), None,
        )  # fmt: skip
        if role is None and find_period(text):
            role = "count"
        if role is None or role in places:
            return None
        places[role] = at
    return places if places.keys() >= {"name", "count"} else None


def _cell(cells: Sequence[str], place: int) -> str:
    return cells[place].strip() if place < len(cells) else ""


def _is_end(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell.strip()]
    return not filled or len(filled) == 1


def _names_of(lens: CodeListName) -> dict[str, str]:
    """Return folded name -> newest code, by the names of all versions of a list."""
    lists = shipped_code_lists()
    names = {}
    for version in reversed(lists.versions):
        newest = lists.to_newest(lens, version)
        for each in lists.codes_of(lens, version):
            if each.code in newest:
                for name in (each.code, each.name_zh, each.name_en):
                    names[fold_name(name)] = newest[each.code]
    return names | {fold_name(word): TOTAL for word in import_words()["total"]}


def _find_lens(names: Sequence[str]) -> CodeListName | None:
    filled = [fold_name(name) for name in names if name]
    for lens in PUBLISHED_LENSES:
        known = _names_of(lens).keys()
        if filled and sum(name in known for name in filled) > _KNOWN_SHARE * len(filled):
            return lens
    return None


class _BlockReader:
    """Reader of one table, which collects what is wrong in its cells."""

    def __init__(self, block: _Block) -> None:
        self.block = block
        self.problems: list[RowRejection] = []

    def read(self) -> PublishedFigures:
        names, block = _names_of(self.block.lens), self.block
        skipped = {fold_name(word) for word in import_words()["subtotal"]}
        counts: dict[str, int] = {}
        row_of: dict[str, int] = {}
        shares: dict[str, str] = {}
        printed: dict[str, str] = {}
        for number, cells in block.rows:
            name, written = _cell(cells, block.places["name"]), _cell(cells, block.places["count"])
            if fold_name(name) in skipped:
                continue
            code, count = names.get(fold_name(name)), parse_number(written)
            if code is None:
                self._add(number, "name", name, msg("this name is in no version of the code list"))
            elif code in counts:
                self._add(number, "name", name, msg("this name stands in the table twice"))
            if count is None or not count.isdigit() or int(count) > _MAX_COUNT:
                allowed = msg("allowed is a whole number from 0 on; write 0 where there was none")
                self._add(number, "count", written, allowed)
            elif code is not None:
                counts[code], row_of[code] = int(count), number
                for role, texts in (("share", shares), ("change", printed)):
                    if role in block.places:
                        texts[code] = _cell(cells, block.places[role])
        if not self.problems:
            self._check_total(counts, row_of)
            self._check_shares(counts, shares, row_of)
        return PublishedFigures(
            block.period, block.lens, counts, self._read_changes(printed, row_of, shares)
        )

    def _add(self, row: int, role: str, value: str, message: Message) -> None:
        head = self.block.heads[self.block.places[role]]
        self.problems.append(RowRejection.of(row, head, value, message))

    def _check_total(self, counts: dict[str, int], row_of: Mapping[str, int]) -> None:
        added = sum(number for code, number in counts.items() if code != TOTAL)
        if counts.setdefault(TOTAL, added) != added:
            wrong = msg("a total: the rows that it sums up add up to {sum}", sum=added)
            self._add(row_of[TOTAL], "count", str(counts[TOTAL]), wrong)

    def _check_shares(
        self, counts: Mapping[str, int], shares: Mapping[str, str], row_of: Mapping[str, int]
    ) -> None:
        factor = 100 if _are_fractions(shares) else 1
        for code, text in shares.items():
            number = _parse_percent(text)
            if text in _DASHES or not counts[TOTAL]:
                continue
            exact = Decimal(100 * counts[code]) / counts[TOTAL]
            if number is None or abs(number * factor - exact) > _half_of_last_digit(number, factor):
                self._add(row_of[code], "share", text, msg(
                    "the count is {share} of the total", share=format_percent(float(exact))
                ))  # fmt: skip

    def _read_changes(
        self, printed: Mapping[str, str], row_of: Mapping[str, int], shares: Mapping[str, str]
    ) -> dict[str, int]:
        factor = 100 if _are_fractions(shares) else 1
        changes = {}
        for code, text in printed.items():
            number = _parse_percent(text)
            if text in _DASHES:
                continue
            if number is None or abs(number) > 10_000:
                self._add(row_of[code], "change", text, msg("allowed is a change in per cent"))
            else:
                changes[code] = round(number * factor * 100)
        return changes


def _parse_percent(text: str) -> Decimal | None:
    found = _NUMBER.fullmatch(fold(text).replace("\u2212", "-").replace(" ", ""))
    try:
        return Decimal(found[1] + found[2]) if found else None
    except InvalidOperation:
        return None


def _are_fractions(shares: Mapping[str, str]) -> bool:
    """Return whether shares are written as 0.2835: a cell in per cent holds it so."""
    numbers = [_parse_percent(text) for text in shares.values()]
    return bool(numbers) and all(number is None or abs(number) <= 1 for number in numbers)


def _half_of_last_digit(number: Decimal, factor: int) -> Decimal:
    """Return half of the last digit that a share is printed with, at least 0.005 per cent."""
    exponent = number.as_tuple().exponent
    digits = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    digits -= 2 if factor == 100 else 0
    return Decimal("0.5000001") * Decimal(10) ** -min(max(digits, 0), 2)
