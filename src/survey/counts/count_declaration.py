"""Declaration of a kind of counts: its columns, keys, measures, bounds, and where it is stored.

Check, store, template and interface descriptions read it; a new kind is a new declaration.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd
from openpyxl import Workbook
from sqlmodel import SQLModel

from survey.collection.importing.rejections import ImportNotPossibleError
from survey.frame.city_frame import shipped_cities
from survey.frame.code_lists import (
    CodeListName,
    econsumer_categories,
    leaf_areas,
    shipped_code_lists,
)
from survey.locale import Message, msg, translator
from survey.settings import PROJECT_ROOT
from survey.spreadsheets import write_text_cell
from survey.store.tables import DeliveryKind

AREA = "area"
NOT_GIVEN = "-"
"""Code of a count that was delivered without one."""
TOTAL_MARK = "*"
"""Beginning of a code that sums over others; in the column of areas the larger area follows."""
TOTAL = "total"
"""Code list of sums over all codes; key of the texts that mean a total in the file of columns."""
COUNT_YEARS = range(2000, 2101)
_MONTH_CHARS = len("2024-05")
_MONTH = msg("Month")


@dataclass(frozen=True)
class DeliveredColumn:
    """Column of a delivery with its names in files; templates use the first name."""

    names: tuple[str, ...]
    required: bool
    example: str

    def has_name(self, key: str, header: str) -> bool:
        """Return whether a column head of a file is this column's key or one of its names."""
        wanted = header.strip().lower()
        return wanted == key or wanted in (name.lower() for name in self.names)


@dataclass(frozen=True)
class TextKey:
    """Key column of counts (month, day, topic) whose values are parsed, not from a code list."""

    parse: Callable[[str], str | None]
    """Function from a text to the code that is stored; None for a text that is not allowed."""
    allowed: Message
    missing: str = NOT_GIVEN
    """Code where the file has no such column, and of a whole."""


@dataclass(frozen=True)
class PartOfWhole:
    """Rule that counts of parts, such as topics or areas, are never larger than their whole."""

    column: str
    """Column that is the `missing` of its key in a whole, and something else in a part."""
    shared: tuple[str, ...]
    """Keys that parts have in common with their whole."""
    own: tuple[str, ...]
    """Keys by which parts are compared one by one; without any they are added up."""
    too_many: Message
    outside: str = ""
    """Column whose parts are left out: they are compared with wholes of their own."""


@dataclass(frozen=True)
class CrossedList:
    """Code list whose counts are summed within one code of another list."""

    within: str
    code: str
    by: str


@dataclass(frozen=True)
class CountKind:
    """Declaration of one kind of counts: how it is delivered, checked and stored."""

    kind: DeliveryKind
    name: Message
    rows: Message
    """What one row holds."""
    file: str
    """Names of the columns as senders write them: data, like the code lists."""
    when: str
    """Column with the month or day."""
    keys: Mapping[str, TextKey | CodeListName]
    measures: tuple[str, ...]
    """Columns with numbers, the first of which is required and compared between revisions."""
    repeated: Callable[[int], Message]
    """Message about a key that the row with this number has already."""
    table: type[SQLModel]
    """Table of the single counts."""
    sums: type[SQLModel]
    """Table that holds the sums by area: of single counts, or of each code list (`lens`)."""
    whole: Mapping[str, str]
    """Columns and values of the rows of `sums` that add up to everything in an area."""
    period: Message = _MONTH
    """What a revision holds the counts of."""
    money: frozenset[str] = frozenset()
    """Measures delivered in yuan and stored in hundredths, so that sums are exact."""
    bounds: tuple[tuple[str, str], ...] = ()
    """Pairs of measures, the first of which is never larger than the second."""
    parts: tuple[PartOfWhole, ...] = ()
    complete: str = ""
    """Key whose codes all have to be there for the whole of each day."""
    crossed: Mapping[str, CrossedList] = field(default_factory=dict)
    """Further lists of sums (`lens`): one code list within one code of another."""

    @cached_property
    def _named(self) -> Mapping[str, DeliveredColumn]:
        path = PROJECT_ROOT / "seed" / "context" / self.file
        with path.open(encoding="utf-8", newline="") as file:
            return {
                row["key"]: DeliveredColumn(
                    tuple(row["names"].split(";")), row["required"] == "yes", row["example"]
                )
                for row in csv.DictReader(file)
            }

    @cached_property
    def columns(self) -> Mapping[str, DeliveredColumn]:
        """Key -> column of a delivery, without the entry of words that mark rows of totals."""
        return {key: column for key, column in self._named.items() if key != TOTAL}

    @property
    def total_names(self) -> tuple[str, ...]:
        """Texts that mark a row of totals in a code column, the usual one first; may be empty."""
        return self._named[TOTAL].names if TOTAL in self._named else ()

    @property
    def codes(self) -> Mapping[str, CodeListName]:
        return {name: key for name, key in self.keys.items() if isinstance(key, CodeListName)}

    def missing_code(self, column: str) -> str:
        """Return the code to store in a key column if a file has no such column."""
        key = self.keys[column]
        return NOT_GIVEN if isinstance(key, CodeListName) else key.missing

    def stored_name(self, measure: str) -> str:
        """Return a measure's column in the store: with the suffix `_fen` if it is money."""
        return f"{measure}_fen" if measure in self.money else measure

    @property
    def stored_measures(self) -> tuple[str, ...]:
        return tuple(map(self.stored_name, self.measures))

    def bind_columns(self, header: Sequence[str]) -> tuple[dict[str, int], tuple[str, ...]]:
        """Return column key -> position in the file, and the column heads that are unknown.

        Raises:
            ImportNotPossibleError: A required column is missing, or two columns mean the same.
        """
        places: dict[str, int] = {}
        ignored = []
        for number, head in enumerate(header):
            named = (key for key, column in self.columns.items() if column.has_name(key, head))
            key = next(named, None)
            if key is None:
                ignored.append(head)
            elif key in places:
                raise ImportNotPossibleError(
                    msg("Two columns are called {name}. Please keep one of them.", name=head)
                )
            else:
                places[key] = number
        required = {key: each.names[0] for key, each in self.columns.items() if each.required}
        missing = [name for key, name in required.items() if key not in places]
        if missing:
            raise ImportNotPossibleError(
                msg(
                    "The file has no column {missing}. Required are: {required}.",
                    missing=", ".join(missing),
                    required=", ".join(required.values()),
                )
            )
        return places, tuple(each for each in ignored if each)

    def write_template(self, version: str = "") -> bytes:
        """Return the .xlsx template for senders: an example row, and the codes of a version.

        The first worksheet is the one that is read.
        """
        lists, t = shipped_code_lists(), translator("zh")
        workbook = Workbook()
        sheet = workbook.active
        assert sheet is not None
        sheet.title = t(msg("Counts"))
        for number, (key, column) in enumerate(self.columns.items(), start=1):
            write_text_cell(sheet.cell(1, number), column.names[0])
            value = float(column.example) if key in self.measures else column.example
            sheet.cell(2, number).value = value
            sheet.column_dimensions[sheet.cell(1, number).column_letter].width = 18
        listed = workbook.create_sheet(t(msg("Codes")))
        listed.append([t(msg("Column")), t(msg("Code")), t(msg("Name")), "econsumer.gov"])
        for key, name in self.codes.items():
            foreign = econsumer_categories().get(name, ())
            for each in lists.codes_of(name, version):
                meant = "; ".join(other.category_zh for other in foreign if other.code == each.code)
                listed.append([self.columns[key].names[0], each.code, each.name_zh, meant])
        cities = {city.code: city.name_zh for city in shipped_cities()}
        rest = t(msg("Other areas of the province"))
        for code in leaf_areas():
            listed.append([self.columns[AREA].names[0], code, cities.get(code, rest)])
        buffer = io.BytesIO()
        workbook.save(buffer)
        return buffer.getvalue()


@dataclass(frozen=True, eq=False)
class CheckedCounts:
    """Counts of a delivery that passed every check: one row per key, sorted by key."""

    kind: CountKind
    frame: pd.DataFrame
    """Columns of the key and the measures that were delivered (whole numbers)."""
    measures: tuple[str, ...]
    """Names in the store of the measures that were delivered."""
    total_rows: int = 0
    """Rows of totals that were compared and are not kept."""
    version: str = ""
    """Version of the code lists by which they are coded."""
    amounts: pd.DataFrame | None = None
    """Cases by list, month, area, code and band of their amounts, of a list of single cases."""

    def months_of(self, frame: pd.DataFrame) -> "pd.Series[str]":
        """Return the month (`2024-05`) of each row of `frame`."""
        return frame[self.kind.when].map(lambda text: text[:_MONTH_CHARS])

    @property
    def periods(self) -> tuple[str, ...]:
        return tuple(sorted({*self.months_of(self.frame).unique()}))

    def iter_sums(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """Yield (code list, sums by month, area and code); `total`, lists, crossed lists.

        They are made once, when a delivery is stored: a page over a million counts reads a few
        thousand rows. A list that the delivery does not use has none: "not given" is no channel.
        """
        measures, when = list(self.measures), self.kind.when
        lists = [(lens, lens, self.frame) for lens in (TOTAL, *self.kind.codes)]
        for lens, crossed in self.kind.crossed.items():
            is_within = self.frame[crossed.within] == crossed.code
            lists.append((lens, crossed.by, self.frame[is_within]))
        for lens, key, frame in lists:
            if frame.empty or (key != TOTAL and set(frame[key].cat.categories) == {NOT_GIVEN}):
                continue
            by = [when, AREA, *([key] if key != TOTAL else [])]
            sums = frame.groupby(by, observed=True, sort=True)[measures].sum().reset_index()
            sums["code"] = sums[key].astype(str) if key != TOTAL else TOTAL
            yield lens, sums[[when, AREA, "code", *measures]]

    @property
    def area_sums(self) -> dict[tuple[str, str], int]:
        """`(area, month or day) -> sum` of the first measure, without rows on single topics."""
        frame = self.frame
        for column in self.kind.whole.keys() & self.kind.keys.keys():
            frame = frame[frame[column] == self.kind.whole[column]]
        by = [AREA, self.kind.when]
        sums = frame.groupby(by, observed=True)[self.kind.measures[0]].sum()
        return {(str(area), str(when)): int(n) for area, when, n in sums.reset_index().values}
