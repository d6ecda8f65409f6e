"""Workbook of a sample plan, and lists that are pasted instead of uploaded.

Sheet `aim` holds the aim, sheet `cities` what every city gets and can tell, sheets `groups` and
`quota` what follows. Coming back, the aim and, city by city, the number of interviews and the share
of guardians are read; everything else is computed anew.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan

import pandas as pd

from survey.frame.city_frame import FrameCity
from survey.frame.quotas import plan_margins
from survey.frame.sample_size import PER_CENT, AllocationRule, PrecisionTarget, drop_uninformative
from survey.frame.sampling_plan import MAX_OVERSAMPLING, MAX_RESERVE, PlanRequest, SamplingPlan
from survey.frame.workbook_io import (
    CellChecker,
    CellError,
    ListedRows,
    WorkbookColumn,
    WorkbookRow,
    WorkbookSheet,
    bind_columns,
    cell_error,
    read_sheet,
)
from survey.locale import RefusedError, label_text, labels_of, msg, translator
from survey.spreadsheets import decode_table_text, unescape_formula
from survey.tabular.workbook_safety import WorkbookError

MAX_PASTED_CHARS = 400_000
_SEPARATORS = str.maketrans({"\uff0c": ",", "\uff1b": ",", ";": ",", "\u3001": ","})
"""Commas and semicolons as a Chinese keyboard types them."""


def read_pasted_rows(text: str, sheet: WorkbookSheet) -> ListedRows:
    """Return the rows of a table pasted as text, numbered by lines, in the columns of `sheet`.

    Cells are separated by tabs, as spreadsheets copy them, or else by commas. A first line of
    headings names the columns; without it they come in the order of the worksheet.

    Raises:
        RefusedError: The text is too long, or its quotation marks do not match.
    """
    rows = _split_cells(text if "\t" in text else text.translate(_SEPARATORS))
    positions = {column.key: place for place, column in enumerate(sheet.columns)}
    headings = [_find_column(sheet, cell) for cell in rows[0][1]] if rows else []
    if sum(column is not None for column in headings) > 1:
        positions = {column.key: place for place, column in enumerate(headings) if column}
        rows = rows[1:]
    return _build_worksheet_rows(sheet, positions, rows)


def read_table_file(name: str, content: bytes, sheet: WorkbookSheet) -> ListedRows:
    """Return the rows of an uploaded CSV file or workbook in the columns of `sheet`.

    Raises:
        WorkbookError: The file cannot be opened, or a column is missing.
        RefusedError: A CSV file is too long, or its quotation marks do not match.
    """
    if not name.casefold().endswith(".csv"):
        return read_sheet(name, content, sheet)
    try:
        text, _ = decode_table_text(content)
    except UnicodeDecodeError as error:
        raise WorkbookError(msg("The encoding of this CSV file is not known.")) from error
    rows = _split_cells(text)
    return _build_worksheet_rows(sheet, bind_columns(sheet, rows[0][1] if rows else ()), rows[1:])


def _build_worksheet_rows(
    sheet: WorkbookSheet, positions: Mapping[str, int], rows: Sequence[tuple[int, list[str]]]
) -> ListedRows:
    def take(cells: list[str], key: str) -> str:
        place = positions.get(key, len(cells))
        return unescape_formula(cells[place].strip()) if place < len(cells) else ""

    return ListedRows(
        sheet,
        [
            WorkbookRow(number, {column.key: take(cells, column.key) for column in sheet.columns})
            for number, cells in rows
        ],
    )


def _split_cells(text: str) -> list[tuple[int, list[str]]]:
    """Return line number and cells of each line of delimited text that is not empty."""
    if len(text) > MAX_PASTED_CHARS:
        raise RefusedError(
            "pasted_table", msg("This is longer than {limit} characters.", limit=MAX_PASTED_CHARS)
        )
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter="\t" if "\t" in text else ",",
        strict=True,
        skipinitialspace=True,
    )
    try:
        return [(reader.line_num, cells) for cells in reader if any(map(str.strip, cells))]
    except csv.Error as error:
        raise RefusedError(
            "pasted_table",
            msg(
                "Quotation marks of this table do not match, near line {line}.",
                line=reader.line_num,
            ),
        ) from error


def _find_column(sheet: WorkbookSheet, cell: str) -> WorkbookColumn | None:
    """Return the column whose key or heading, in any language, is `cell`; None if there is none."""
    asked = cell.strip().casefold()
    return next((column for column in sheet.columns if asked in column.list_titles()), None)


RULES = {
    AllocationRule.PROPORTIONAL.value: msg("in proportion to population"),
    AllocationRule.SQUARE_ROOT.value: msg("to the square root of population"),
    AllocationRule.EQUAL.value: msg("equal"),
}
QUOTA_KINDS = {"crossed": msg("age × gender crossed"), "marginal": msg("age and gender apart")}
MAX_CITY_INTERVIEWS = 100_000

AIM_SHEET = WorkbookSheet(
    "aim",
    (
        WorkbookColumn("margin", msg("Margin (± points)"), 14),
        WorkbookColumn("level", msg("Confidence (%)"), 14),
        WorkbookColumn("deff", msg("Design effect"), 14),
        WorkbookColumn("rule", msg("Interviews beyond the floor"), 32, value_names=RULES),
        WorkbookColumn("total", msg("Interviews in all"), 14),
        WorkbookColumn("price", msg("Yuan an interview"), 14),
        WorkbookColumn("budget", msg("Budget (yuan)"), 14),
        WorkbookColumn("quotas", msg("Quotas"), 24, value_names=QUOTA_KINDS),
        WorkbookColumn("reserve", msg("Reserve (%)"), 14),
        WorkbookColumn("elderly", msg("60 and over asked … times as often"), 18),
        WorkbookColumn("guardian", msg("Guardians asked … times as often"), 18),
    ),
)
CITY_SHEET = WorkbookSheet(
    "cities",
    (
        WorkbookColumn("city", msg("City"), 12),
        WorkbookColumn("name", msg("Name"), 18),
        WorkbookColumn("population", msg("Population asked"), 16),
        WorkbookColumn("target", msg("Interviews"), 14),
        WorkbookColumn("half_width", msg("Half-width (points)"), 14),
        WorkbookColumn("guardian_share", msg("Guardians in the population (%)"), 18),
    ),
)
GROUP_COLUMNS = (
    WorkbookColumn("city", msg("City"), 12),
    WorkbookColumn("group", msg("Group"), 20),
    WorkbookColumn("share", msg("Share of the population (%)"), 18),
    WorkbookColumn("expected", msg("Expected interviews"), 18),
    WorkbookColumn("half_width", msg("Half-width (points)"), 14),
)
QUOTA_COLUMNS = (
    WorkbookColumn("city", msg("City"), 12),
    WorkbookColumn("what", msg("Quota of"), 16),
    WorkbookColumn("category", msg("Category"), 20),
    WorkbookColumn("target", msg("Target"), 12),
)


@dataclass(frozen=True, eq=False)
class UploadedPlan:
    """Plan request read from a workbook; None if cells have errors, which are then listed."""

    request: PlanRequest | None
    errors: tuple[CellError, ...]


def build_plan_sheets(
    planned: SamplingPlan, cities: Sequence[FrameCity], series: str, language: str
) -> tuple[WorkbookSheet, ...]:
    """Return the worksheets of a sampling plan: request, sizes by city, groups, and quotas."""
    people = plan_margins(cities, series, {}).city_totals()
    names = {c.code: label_text(labels_of(c, "name"), language) for c in cities}
    too_few = translator(language)(msg("– too few interviews to estimate"))

    def tell(half: float) -> float | str:
        return too_few if isnan(half) else round(half, 2)

    told = planned.sample.cities.assign(
        half_width=lambda frame: drop_uninformative(frame["half_width"])
    )
    guardians = planned.guardian_share
    rows = [
        [
            code,
            names[str(code)],
            round(float(people[str(code)])),
            int(size),
            tell(half),
            None if guardians is None else round(float(guardians[str(code)]) * PER_CENT, 3),
        ]
        for code, size, half in told.reset_index().to_numpy()
    ]
    groups = [
        [code, group, round(share * PER_CENT, 1), round(expected, 1), tell(half)]
        for code, group, share, expected, half in planned.sample.groups.to_numpy()
    ]
    quotas = [
        [city, "age_band × gender", f"{age} {gender}", int(target)]
        for city, age, gender, target in planned.quotas.cells.to_numpy()
    ] + [list(row) for row in planned.quotas.margins.to_numpy()]
    return (
        replace(AIM_SHEET, rows=[_build_aim_row(planned.request, planned.sample.total)]),
        replace(CITY_SHEET, rows=rows),
        WorkbookSheet("groups", GROUP_COLUMNS, groups),
        WorkbookSheet("quota", QUOTA_COLUMNS, quotas),
    )


def _build_aim_row(request: PlanRequest, total: int) -> list[object]:
    aim = request.aim
    return [
        aim.margin,
        aim.level * PER_CENT,
        aim.deff,
        aim.rule.value,
        total,
        aim.price,
        aim.budget,
        "crossed" if request.crossed else "marginal",
        request.reserve * PER_CENT,
        request.elderly,
        request.guardian,
    ]


def read_plan_file(
    name: str, content: bytes, find_city: Callable[[str], str | None]
) -> UploadedPlan:
    """Return the plan request in a workbook, or its errors; `find_city` maps names to codes.

    Raises:
        WorkbookError: the file as a whole.
        RefusedError: cells that are right one by one and make no plan together.
    """
    aims, cities = (read_sheet(name, content, sheet) for sheet in (AIM_SHEET, CITY_SHEET))
    errors = aims.errors + cities.errors
    size, shares = _read_city_targets(cities.rows, errors, find_city)
    aim = _read_aim(aims.rows, errors)
    if aim is None or errors:
        return UploadedPlan(None, tuple(errors))
    total = replace(aim.aim, total=int(size.sum()))
    return UploadedPlan(replace(aim, aim=total, size=size, guardian_share=shares), ())


def _read_aim(rows: list[WorkbookRow], errors: list[CellError]) -> PlanRequest | None:
    if not rows:
        errors.append(cell_error(AIM_SHEET, 2, "margin", "", msg("This must not be empty.")))
        return None
    check = CellChecker(AIM_SHEET, rows[0], errors)

    def number(key: str, least: float, most: float, otherwise: float) -> float:
        value = check.number(key, least=least, most=most, whole=False)
        return otherwise if value is None else value

    usual = PrecisionTarget()
    margin = number("margin", 0.1, 49, usual.margin)
    level = number("level", 50, 99.9, usual.level * PER_CENT) / PER_CENT
    deff = number("deff", 1, 20, usual.deff)
    price = number("price", 0, 1e6, 0.0)
    budget = check.number("budget", least=0, most=1e12, whole=False)
    reserve = number("reserve", 0, MAX_RESERVE * PER_CENT, 0.0) / PER_CENT
    elderly = number("elderly", 1, MAX_OVERSAMPLING, 1.0)
    guardian = number("guardian", 1, MAX_OVERSAMPLING, 1.0)
    rule, quotas = check.parse_choice("rule"), check.parse_choice("quotas")
    if not check.is_clean():
        return None
    aim = PrecisionTarget(
        margin, level, deff, AllocationRule(str(rule)), price=price, budget=budget
    )
    return PlanRequest(
        aim, elderly=elderly, guardian=guardian, crossed=quotas == "crossed", reserve=reserve
    )


def _read_city_targets(
    rows: list[WorkbookRow], errors: list[CellError], find_city: Callable[[str], str | None]
) -> tuple[pd.Series, pd.Series | None]:
    sizes: dict[str, int] = {}
    shares: dict[str, float] = {}
    for row in rows:
        check = CellChecker(CITY_SHEET, row, errors)
        code = check.known("city", find_city, msg("This is no city of the survey."))
        target = check.number("target", least=1, most=MAX_CITY_INTERVIEWS)
        share = check.number("guardian_share", least=0, most=PER_CENT, whole=False)
        if target is None and check.is_clean():
            check.fail("target", msg("This must not be empty."))
        if code in sizes:
            check.fail("city", msg("This city stands in the list twice."))
        if code is None or target is None or not check.is_clean():
            continue
        sizes[code] = int(target)
        if share is not None:
            shares[code] = share / PER_CENT
    if not rows:
        errors.append(cell_error(CITY_SHEET, 2, "city", "", msg("The list has no city.")))
    size = pd.Series(sizes, dtype="int64").sort_index()
    return size, pd.Series(shares, dtype="float64") if shares else None
