"""Tables in Excel workbooks: written without formulas, read cell by cell with reasons.

A column is found by its key or by its heading in any language, a word of a list by its code or its
name in any language. Text that begins like a formula is written as text that a spreadsheet quotes;
a formula in a file that comes back is refused, because its value is only what some program last
made of it.
"""

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from survey.locale import LANGUAGES, Message, SurveyError, Translator, msg, translator
from survey.records import Choice, Column, Day, Flag, Number, Record, Text, Yuan
from survey.spreadsheets import write_text_cell
from survey.tabular.workbook_safety import WorkbookError, check_excel_upload
from survey.tabular.written_dates import fold, parse_date

if TYPE_CHECKING:
    # Most who import this module, to read the results of a check, open no workbook.
    from openpyxl import Workbook
    from openpyxl.cell.cell import Cell
    from openpyxl.worksheet.datavalidation import DataValidation

MAX_SHOWN_CHARS = 60
MAX_CELL_CHARS = 200
LISTS = "lists"
_Listed = TypeVar("_Listed")
_DROPDOWN_ROWS = 20_000
_GROUPED = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?")
"""Number with its thousands separated."""
_YEAR = "\u5e74"
_LEAST_PART_OF_FEN = 1e-4
"""What is left of a number times 100 that is no rounding of the machine."""
_EARLIER_TITLES: Mapping[str, str] = {
    "Amount": "\u6570\u503c",
    "Area of work": "\u5de5\u4f5c\u533a\u57df",
    "Interviews": "\u95ee\u5377\u6570",
    "Key": "\u5bc6\u94a5",
    "Quota of": "\u914d\u989d\u7c7b\u522b",
    "Role": "\u89d2\u8272",
}
"""Chinese headings of earlier templates, by the English one: a file made with them is still read.
Whoever changes the translation of a heading adds the old one here."""


@dataclass(frozen=True)
class WorkbookColumn:
    """Column of a worksheet; `value_names` (code -> name), if any, are all values it accepts."""

    key: str
    label: Message
    width: int = 14
    value_names: Mapping[str, Message] = field(default_factory=dict)
    choices: tuple[str, ...] = ()
    """Suggestions of a drop-down for names that need no translation, such as cities."""
    is_optional: bool = False
    """Whether a file may lack it: its cells are then empty."""

    def list_titles(self) -> list[str]:
        """Return the headings by which the column is found, in lower case, its key first."""
        titles = [self.key, *(translator(code)(self.label) for code in LANGUAGES)]
        earlier = _EARLIER_TITLES.get(self.label.msgid)
        return [_normalise_text(title) for title in [*titles, *([earlier] if earlier else [])]]


@dataclass(frozen=True)
class WorkbookSheet:
    """A worksheet to write or to read: name, columns, and rows of values in their order."""

    name: str
    columns: tuple[WorkbookColumn, ...]
    rows: Sequence[Sequence[object]] = ()
    is_optional: bool = False
    """Whether a workbook may lack it: it then has no rows."""


@dataclass(frozen=True)
class CellError:
    """A problem with one cell; rows are numbered as in the spreadsheet."""

    sheet: str
    row: int
    column: Message
    value: str
    message: Message


@dataclass(frozen=True)
class WorkbookRow:
    """One row that is not empty: its spreadsheet number and the cells by column key."""

    number: int
    cells: Mapping[str, Any]


def sheet_of_record(name: str, kind: type[Record]) -> WorkbookSheet:
    """Return a worksheet without rows, with a column for each field of a kind of record."""
    return WorkbookSheet(
        name,
        tuple(
            WorkbookColumn(
                column.key or field_name,
                column.label,
                column.width,
                column.names if isinstance(column, Choice | Flag) else {},
                is_optional=column.is_optional,
            )
            for field_name, column in kind.columns().items()
        ),
    )


def write_workbook(sheets: Iterable[WorkbookSheet], language: str) -> bytes:
    """Return the workbook as bytes, headings and words in `language`."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    t, book = translator(language), Workbook()
    book.remove(book.active)
    lists = _Lists()
    for sheet in sheets:
        page = book.create_sheet(sheet.name)
        for position, column in enumerate(sheet.columns, start=1):
            heading = page.cell(1, position)
            _write_cell(heading, t(column.label))
            heading.font = Font(bold=True)
            heading.alignment = Alignment(wrap_text=True, vertical="top")
            letter = get_column_letter(position)
            page.column_dimensions[letter].width = column.width
            names = [t(name) for name in column.value_names.values()] or list(column.choices)
            if names:
                page.add_data_validation(lists.dropdown(names, letter))
        for number, row in enumerate(sheet.rows, start=2):
            for position, (column, value) in enumerate(
                zip(sheet.columns, row, strict=True), start=1
            ):
                words = column.value_names
                shown = t(words[value]) if isinstance(value, str) and value in words else value
                _write_cell(page.cell(number, position), shown)
        page.freeze_panes = "A2"
    lists.write(book)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


class _Lists:
    """Choices of drop-downs, each list once, on a hidden worksheet."""

    def __init__(self) -> None:
        self._lists: dict[tuple[str, ...], int] = {}

    def dropdown(self, names: Sequence[str], letter: str) -> "DataValidation":
        from openpyxl.utils import get_column_letter
        from openpyxl.worksheet.datavalidation import DataValidation

        position = self._lists.setdefault(tuple(names), len(self._lists) + 1)
        source = get_column_letter(position)
        rule = DataValidation(
            "list", formula1=f"{LISTS}!${source}$1:${source}${len(names)}", allow_blank=True
        )
        rule.add(f"{letter}2:{letter}{_DROPDOWN_ROWS}")
        return rule

    def write(self, book: "Workbook") -> None:
        if not self._lists:
            return
        page = book.create_sheet(LISTS)
        page.sheet_state = "hidden"
        for names, position in self._lists.items():
            for number, name in enumerate(names, start=1):
                _write_cell(page.cell(number, position), name)


def _write_cell(cell: "Cell", value: object) -> None:
    if isinstance(value, str):
        write_text_cell(cell, value)
    else:
        cell.value = value


def read_sheet(name: str, content: bytes, sheet: WorkbookSheet) -> "ListedRows":
    """Return the rows of the worksheet named as `sheet`, or the only one; formulas are errors.

    Raises:
        WorkbookError: no workbook that we open, no such sheet, a column is missing.
    """
    from openpyxl import load_workbook

    guarded = check_excel_upload(name, content)
    try:
        book = load_workbook(io.BytesIO(guarded.content), read_only=True, data_only=False)
    except Exception as error:
        # A damaged workbook fails in as many ways as openpyxl and its parsers have errors.
        raise WorkbookError(msg("The file is damaged or not an Excel workbook.")) from error
    try:
        page = _find_worksheet(book, sheet)
        if page is None:
            return ListedRows(sheet, [])
        page.reset_dimensions()
        records = page.iter_rows()
        positions = bind_columns(sheet, [cell.value for cell in next(records, ())])
        return _read_worksheet_rows(sheet, records, positions)
    except SurveyError:
        raise
    except Exception as error:
        # Cells are parsed while rows are read: a number of a million digits fails only here.
        raise WorkbookError(msg("The file is damaged or not an Excel workbook.")) from error
    finally:
        book.close()


def _find_worksheet(book: Any, sheet: WorkbookSheet) -> Any:
    pages = [page for page in book.worksheets if page.title != LISTS]
    named = [page for page in pages if page.title.strip().casefold() == sheet.name]
    if not named and sheet.is_optional:
        return None
    if not named and len(pages) != 1:
        raise WorkbookError(msg("The workbook has no sheet named “{sheet}”.", sheet=sheet.name))
    return (named or pages)[0]


def bind_columns(sheet: WorkbookSheet, header: Sequence[object]) -> dict[str, int]:
    """Return column key -> index in `header`, without optional columns that it lacks.

    Raises `WorkbookError` for any other missing column.
    """
    position_by_name = {
        _normalise_text(head): position for position, head in reversed(list(enumerate(header)))
    }
    positions = {}
    for column in sheet.columns:
        title = next((each for each in column.list_titles() if each in position_by_name), None)
        if title is None and column.is_optional:
            continue
        if title is None:
            raise WorkbookError(
                msg(
                    "Sheet “{sheet}” has no column “{column}”. Please use the template.",
                    sheet=sheet.name,
                    column=column.label,
                )
            )
        positions[column.key] = position_by_name[title]
    return positions


def _read_worksheet_rows(
    sheet: WorkbookSheet, records: Iterable[Sequence[Any]], positions: Mapping[str, int]
) -> "ListedRows":
    rows: list[WorkbookRow] = []
    errors: list[CellError] = []
    for number, record in enumerate(records, start=2):
        cells, formulas = {}, []
        for column in sheet.columns:
            position = positions.get(column.key, len(record))
            cell = record[position] if position < len(record) else None
            value = cell.value if cell is not None else None
            cells[column.key] = value.strip() if isinstance(value, str) else value
            if cell is not None and getattr(cell, "data_type", "") == "f":
                formulas.append(column)
        if all(value in (None, "") for value in cells.values()):
            continue
        errors += [
            cell_error(sheet, number, column.key, cells[column.key], _FORMULA)
            for column in formulas
        ]
        if not formulas:
            rows.append(WorkbookRow(number, cells))
    return ListedRows(sheet, rows, errors)


_FORMULA = msg("This is a formula. Please paste its value instead.")


def cell_error(
    sheet: WorkbookSheet, row: int, key: str, value: object, message: Message
) -> CellError:
    """Return, not raise, an error at the cell of this row number and column key."""
    label = next(column.label for column in sheet.columns if column.key == key)
    text = "" if value is None else str(value)
    shown = text if len(text) <= MAX_SHOWN_CHARS else f"{text[:MAX_SHOWN_CHARS]}…"
    return CellError(sheet.name, row, label, shown, message)


def tabulate_errors(
    errors: Iterable[CellError], t: Translator
) -> tuple[list[str], list[tuple[str, int, str, str, str]]]:
    """Return heads and rows of a table of cell errors: sheet, row, column, what was found, why."""
    rows = [(each.sheet, each.row, t(each.column), each.value, t(each.message)) for each in errors]
    return [t("Sheet"), t("Row"), t("Column"), t("Found"), t("Reason")], rows


def _normalise_text(value: object) -> str:
    return str(value or "").strip().casefold()


@dataclass
class CellChecker:
    """Reader of the cells of one row; problems go to `errors` and read as None."""

    sheet: WorkbookSheet
    row: WorkbookRow
    errors: list[CellError]

    def __post_init__(self) -> None:
        self._before = len(self.errors)

    def is_clean(self) -> bool:
        """Whether no problem was found in this row so far."""
        return len(self.errors) == self._before

    def fail(self, key: str, message: Message) -> None:
        """Add a problem with the row's cell in the column `key` to `errors`."""
        self.errors.append(
            cell_error(self.sheet, self.row.number, key, self.row.cells.get(key), message)
        )

    def text(self, key: str, *, required: bool = True, most: int = MAX_CELL_CHARS) -> str:
        """Return the cell's text; add a problem if it is too long, or empty though required."""
        value = self.row.cells.get(key)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        words = "" if value is None else str(value).strip()
        if not words and required:
            self.fail(key, msg("This must not be empty."))
        elif len(words) > most:
            self.fail(key, msg("This is longer than {limit} characters.", limit=most))
        return words

    def parse_choice(self, key: str) -> str | None:
        """Return the code of the cell's word (code or name in any language), or add a problem."""
        column = next(candidate for candidate in self.sheet.columns if candidate.key == key)
        asked = fold(str(self.row.cells.get(key) or ""))
        for code, name in column.value_names.items():
            if asked in {code, *(fold(translator(language)(name)) for language in LANGUAGES)}:
                return code
        self.fail(key, msg("This is none of the words of the drop-down list."))
        return None

    def number(self, key: str, *, least: float, most: float, whole: bool = True) -> float | None:
        """Return a number in least … most, an integer if `whole`, or add a problem; empty: None."""
        value = self.row.cells.get(key)
        if value in (None, ""):
            return None
        number = _parse_number(value)
        if number is None or not least <= number <= most or (whole and not number.is_integer()):
            kind = msg("whole number") if whole else msg("number")
            self.fail(
                key,
                msg(
                    "This is no {kind} from {least} to {most}.",
                    kind=kind,
                    least=f"{least:,.10g}",
                    most=f"{most:,.10g}",
                ),
            )
            return None
        return number

    def day(self, key: str) -> date | None:
        """Read a date or a text such as 2026-05-20; an empty cell is None without an error."""
        value = self.row.cells.get(key)
        if value in (None, ""):
            return None
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        year, month, day = parse_date(str(value)) or (0, 0, None)
        if day is None:
            self.fail(key, msg("This is no date such as 2026-05-20."))
            return None
        return date(year, month, day)

    def read_record(self, kind: type[Record], today: date) -> dict[str, Any]:
        """Return field -> value of the row as a record of a kind; add a problem for each refused.

        Args:
            today: Day against which days are held.
        """
        values: dict[str, Any] = {}
        for name, column in kind.columns().items():
            key, before = column.key or name, len(self.errors)
            value = self._read_field(key, column)
            may_be_empty = isinstance(column, Text) and column.least == 0
            if value is None or (value == "" and not may_be_empty):
                if len(self.errors) == before:
                    self.fail(key, msg("This must not be empty."))
                continue
            values[name] = column.clean(value)
            problem = column.find_problem(values[name], today)
            if problem is not None:
                self.fail(key, problem)
        return values

    def _read_field(self, key: str, column: Column) -> Any:
        if isinstance(column, Choice | Flag):
            code = self.parse_choice(key)
            return code if isinstance(column, Choice) or code is None else code == "yes"
        if isinstance(column, Number):
            return self._read_number(key, column)
        if isinstance(column, Day):
            return self.day(key)
        most = column.most if isinstance(column, Text) else MAX_CELL_CHARS
        return self.text(key, required=False, most=max(most, MAX_CELL_CHARS))

    def _read_number(self, key: str, column: Number) -> int | None:
        is_money = isinstance(column, Yuan)
        number = self.number(key, least=column.least, most=column.most, whole=not is_money)
        if number is None or not is_money:
            return None if number is None else int(number)
        fen = round(number * 100)
        if abs(number * 100 - fen) > _LEAST_PART_OF_FEN:
            self.fail(key, msg("This is no sum in yuan with at most two decimals."))
            return None
        return fen

    def past_day(self, key: str, today: date) -> date | None:
        """Read a required date not after `today`; add a problem if it is empty, wrong or later."""
        day = self.day(key)
        if day is None and self.is_clean():
            self.fail(key, msg("This must not be empty."))
        elif day is not None and day > today:
            self.fail(key, msg("This day is yet to come."))
        return day

    def known(self, key: str, find: Callable[[str], str | None], message: Message) -> str | None:
        """Return `find(text)` of the cell; if None, add `message` as a problem."""
        words = self.text(key)
        code = find(words) if words else None
        if words and code is None:
            self.fail(key, message)
        return code


@dataclass
class ListedRows:
    """Rows of a list, and the problems with its cells, all found in one pass."""

    sheet: WorkbookSheet
    rows: list[WorkbookRow]
    errors: list[CellError] = field(default_factory=list)

    def read(self, read: Callable[[CellChecker], _Listed | None]) -> tuple[_Listed, ...]:
        """Return `read(checker)` of each row that gives one; problems go to `errors`."""
        listed = (read(CellChecker(self.sheet, row, self.errors)) for row in self.rows)
        return tuple(each for each in listed if each is not None)

    def require_rows(self, key: str, too_many: Message | None = None) -> None:
        """Add a problem (at column `key`) if there are no rows, else `too_many`, if given."""
        message = too_many if self.rows else msg("The list is empty.")
        if message is not None:
            self.errors.append(cell_error(self.sheet, 2, key, "", message))

    def problems(self) -> tuple[CellError, ...]:
        """Return the problems of all cells, sorted by row number."""
        return tuple(sorted(self.errors, key=lambda error: error.row))


def _parse_number(value: object) -> float | None:
    if isinstance(value, bool | date):
        return None
    try:
        text = fold(str(value)).removesuffix(_YEAR)
        number = float(text.replace(",", "") if _GROUPED.fullmatch(text) else text)
    except ValueError:
        return None
    return number if abs(number) < 1e15 else None
