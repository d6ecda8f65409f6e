"""Worksheets of a form as rows of named cells of plain text, and the names of its types.

pyxform reads the file formats. Its reader of .xlsx trusts the size that a sheet claims to have and
loses, without a word, the rows beyond it; several programs write a size that is wrong. Here the
claim is set aside, and pyxform's own rules for headers, rows and values are kept.
"""

import csv
import io
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from openpyxl.reader.excel import ExcelReader
from pyxform import aliases
from pyxform.constants import SUPPORTED_SHEET_NAMES, SURVEY
from pyxform.errors import PyXFormError
from pyxform.parsing.sheet_headers import process_header
from pyxform.question import MultipleChoiceQuestion, Option
from pyxform.survey import Survey
from pyxform.xls2json import RE_SELECT
from pyxform.xls2json_backends import (
    DefinitionData,
    get_excel_column_headers,
    get_excel_rows,
    get_xlsform,
    is_empty,
    xlsx_value_to_str,
)

from survey.locale import Message, msg
from survey.questionnaire.model import ItemKind
from survey.questionnaire.question_types import find_type
from survey.spreadsheets import decode_table_text
from survey.tabular.workbook_safety import CheckedWorkbook, WorkbookError

ACKNOWLEDGED = "OK"
OTHER = "other"

_METADATA = frozenset(
    {
        "start",
        "end",
        "deviceid",
        "device id",
        "subscriberid",
        "subscriber id",
        "simserial",
        "sim id",
        "imei",
        "phonenumber",
        "phone number",
        "username",
        "email",
        "audit",
        "start time",
        "end time",
        "start-geopoint",
        "caseid",
        "comments",
        "background-audio",
        "background-geopoint",
        "get start time",
        "get end time",
        "get device id",
        "get subscriber id",
        "get sim id",
        "get phone number",
        "uri:deviceid",
        "uri:username",
    }
)
"""Filled in by the device; harmless to leave out."""

_METADATA_STARTS = ("audio audit", "text audit", "sensor_", "speed violations")

ACKNOWLEDGE = frozenset({"acknowledge", "trigger"})
TODAY = frozenset({"today", "get today"})
SETTINGS = frozenset({"form_title", "form_id", "set form title", "set form id", "prefix"})
"""Settings that very old forms keep among the questions."""

_FILE_HINT = msg("Leave the question out: files are not collected.")
_LOCATION_HINT = msg("Ask for the place as text or with select_one.")
LIST_HINT = msg("Put the choices on the choices sheet and use select_one or select_multiple.")
_INSTEAD: dict[str, Message] = {
    "geopoint": _LOCATION_HINT,
    "geotrace": _LOCATION_HINT,
    "geoshape": _LOCATION_HINT,
    "gps": _LOCATION_HINT,
    "location": _LOCATION_HINT,
    "osm": _LOCATION_HINT,
    "audio": _FILE_HINT,
    "video": _FILE_HINT,
    "file": _FILE_HINT,
    "signature": _FILE_HINT,
    "barcode": msg("Ask for the code as text."),
    "range": msg("Write whole numbers or decimals for start, end and step."),
    "xml-external": LIST_HINT,
    "csv-external": LIST_HINT,
}
_SUPPORTED = msg(
    "Supported are text, integer, decimal, date, time, dateTime, range, select_one, "
    "select_multiple, rank, image, acknowledge, note, calculate and groups."
)


def read_type(row: "WorksheetRow") -> str:
    """Return the type of a survey row: blanks collapsed, its first word in small letters."""
    head, _, rest = collapse_whitespace(row.text("type")).partition(" ")
    return f"{head.lower()} {rest}".strip()


def is_metadata(kind: str) -> bool:
    return kind in _METADATA or kind.startswith(_METADATA_STARTS)


def unsupported_type_hint(kind: str) -> Message:
    return _INSTEAD.get(kind.split(" ")[0].lower(), _SUPPORTED)


def parse_select_type(kind: str) -> tuple[ItemKind | None, str, bool] | None:
    """Return item kind, list name and whether “other” is offered; None if it is no select."""
    match = RE_SELECT.match(kind)
    if match is None:
        return None
    question_type = find_type(match["select_command"])
    selected = question_type.kind if question_type else None
    return selected, match["list_name"], match["specify_other"] is not None


def selects_from_file(kind: str) -> bool:
    """Return whether a type is a select whose choices are in a file."""
    match = RE_SELECT.match(kind)
    return match is not None and match["select_command"].endswith("file")


MAX_SURVEY_ROWS = 5_000

_CANONICAL = {
    ("bind", "relevant"): "relevant",
    ("bind", "required"): "required",
    ("bind", "constraint"): "constraint",
    ("bind", "calculate"): "calculation",
    ("bind", "readonly"): "readonly",
    ("bind", "jr:constraintMsg"): "constraint_message",
    ("bind", "jr:requiredMsg"): "required_message",
    ("control", "appearance"): "appearance",
    ("control", "jr:count"): "repeat_count",
    ("list name",): "list_name",
}
_WORKSHEET_TITLES = {
    "survey": (aliases.survey_header, set(MultipleChoiceQuestion.get_slot_names())),
    "choices": (aliases.list_header, set(Option.get_slot_names())),
    "settings": (aliases.settings_header, set(Survey.get_slot_names())),
}


@dataclass(frozen=True, slots=True)
class WorksheetColumn:
    """Column of a worksheet: header text, canonical name, and language as the header names it."""

    header: str
    name: str
    language: str | None


@dataclass(frozen=True, slots=True)
class WorksheetRow:
    number: int
    cells: Mapping[tuple[str, str | None], str]
    """(column name, language token) -> text, never blank."""

    def text(self, name: str) -> str:
        return self.cells.get((name, None), "")

    def translations(self, name: str) -> dict[str | None, str]:
        return {language: text for (column, language), text in self.cells.items() if column == name}


@dataclass(slots=True)
class NamedRow:
    """Row of the survey sheet with its name, unique among questions or among groups."""

    row: WorksheetRow
    name: str


@dataclass(slots=True)
class QuestionRow(NamedRow):
    """Row of the survey sheet that is a question, with its type."""

    type: str
    """As written, blanks collapsed, lower case in its first word."""


@dataclass(frozen=True, slots=True)
class Worksheet:
    columns: tuple[WorksheetColumn, ...] = ()
    rows: tuple[WorksheetRow, ...] = ()

    def header(self, name: str) -> str:
        """Return the header, as written in the file, of the column with canonical `name`."""
        return next((column.header for column in self.columns if column.name == name), name)


@dataclass(frozen=True, slots=True)
class FormWorksheets:
    survey: Worksheet
    choices: Worksheet = field(default_factory=Worksheet)
    external_choices: Worksheet = field(default_factory=Worksheet)
    settings: WorksheetRow = field(default_factory=lambda: WorksheetRow(2, {}))
    find_file: Callable[[str], bytes | None] = lambda _name: None
    """Returns the content of a file that came with the workbook."""
    file_names: frozenset[str] = frozenset()
    """Names of the files that came with it in one archive."""
    definition: DefinitionData | None = None
    """The same for pyxform's own checks."""


def read_worksheets(workbook: CheckedWorkbook) -> FormWorksheets:
    """Return the worksheets of a checked workbook. Raises `WorkbookError` if it is not a form."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on page headers and the like
            if workbook.suffix == ".xlsx":
                definition = read_excel(workbook.content)
            else:
                definition = get_xlsform(workbook.content, file_type=workbook.suffix)
    except PyXFormError as error:
        raise WorkbookError(
            msg("The workbook cannot be read: {reason}", reason=_read_error_reason(str(error)))
        ) from error
    except Exception as error:
        # The parsers below pyxform meet damaged files with whatever error comes first.
        raise WorkbookError(msg("The file is damaged or not an Excel workbook.")) from error
    if definition.survey is None:
        raise WorkbookError(
            msg(
                "There is no sheet named “survey”. The sheets are: {names}.",
                names=", ".join(str(name) for name in definition.sheet_names or ()) or "-",
            )
        )
    return replace(
        from_definition(definition), find_file=workbook.find_file, file_names=workbook.file_names
    )


def _read_error_reason(original: str) -> Message | str:
    _, found, header = original.partition("Duplicate column header: ")
    return msg("two columns have the name “{name}”.", name=header) if found else original


def from_definition(definition: DefinitionData) -> FormWorksheets:
    survey = _build_worksheet("survey", definition.survey, definition.survey_header)
    if len(survey.rows) > MAX_SURVEY_ROWS:
        raise WorkbookError(
            msg("The survey sheet has more than {limit} rows.", limit=MAX_SURVEY_ROWS)
        )
    settings = _build_worksheet("settings", definition.settings, definition.settings_header)
    return FormWorksheets(
        survey=survey,
        choices=_build_worksheet("choices", definition.choices, definition.choices_header),
        external_choices=_build_worksheet(
            "choices", definition.external_choices, definition.external_choices_header
        ),
        settings=settings.rows[0] if settings.rows else WorksheetRow(2, {}),
        definition=definition,
    )


def from_rows(
    survey: Iterable[Mapping[str, str]],
    choices: Iterable[Mapping[str, str]],
    settings: Mapping[str, str],
) -> FormWorksheets:
    """Return worksheets made from rows in memory (mappings of header to text)."""
    survey, choices = _drop_empty_cells(survey), _drop_empty_cells(choices)
    return from_definition(
        DefinitionData(
            survey=survey,
            survey_header=_list_headers(survey),
            choices=choices,
            choices_header=_list_headers(choices),
            settings=_drop_empty_cells([settings]),
            settings_header=_list_headers([settings]),
            sheet_names=["survey", "choices", "settings"],
        )
    )


def _drop_empty_cells(rows: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    return [{header: text for header, text in row.items() if text.strip()} for row in rows]


def _list_headers(rows: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    return [dict.fromkeys(header for row in rows for header in row)]


def read_csv_choices(content: bytes, name: str, value: str, label: str) -> Worksheet:
    """Return a CSV file as a choices sheet with one list.

    Args:
        content: The file, in UTF-8 or, as Excel writes it in China, GB18030.
        name: Name of the list.
        value: Its column with the names of the choices.
        label: Its column with their labels.

    Raises:
        WorkbookError: It is no table of text.
    """
    try:
        lines = list(csv.DictReader(io.StringIO(decode_table_text(content)[0]), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise WorkbookError(
            msg("“{name}” cannot be read: {reason}", name=name, reason=str(error))
        ) from error
    rows = []
    for line in lines:
        own = {"list_name": name, "name": line.get(value), "label": line.get(label)}
        further = {header: text for header, text in line.items() if header and header not in own}
        rows.append(further | own)
    return _build_worksheet("choices", rows, None)


def _build_worksheet(
    kind: str, rows: Sequence[Mapping[str, Any]] | None, header: object
) -> Worksheet:
    listed = rows or ()
    named = header[0] if isinstance(header, list) and header else _list_headers(listed)[0]
    headers = [str(name) for name in dict.fromkeys((*named, *(h for row in listed for h in row)))]
    columns = {column.header: column for column in _iter_columns(kind, headers)}
    return Worksheet(
        columns=tuple(columns.values()),
        rows=tuple(
            WorksheetRow(number, _read_cells(columns, row))
            for number, row in enumerate(listed, start=2)
        ),
    )


def _iter_columns(kind: str, headers: list[str]) -> Iterator[WorksheetColumn]:
    header_aliases, known = _WORKSHEET_TITLES[kind]
    double = any("::" in header for header in headers)
    for header in headers:
        _, tokens = process_header(header, double, header_aliases, known)
        if not tokens[0]:
            continue
        pair = tokens[:2] if tokens[:2] in _CANONICAL else tokens[:1]
        if tokens[0] in ("media", "instance", "bind", "control"):
            pair = tokens[:2]
        name = _CANONICAL.get(pair) or "_".join("::".join(pair).split()).lower()
        rest = tokens[len(pair) :]
        yield WorksheetColumn(header, name, rest[0] if rest else None)


def _read_cells(
    columns: Mapping[str, WorksheetColumn], row: Mapping[str, Any]
) -> dict[tuple[str, str | None], str]:
    cells: dict[tuple[str, str | None], str] = {}
    for header, value in row.items():
        column = columns.get(str(header))
        text = str(value).replace("\u00a0", " ").strip() if value is not None else ""
        if column is not None and text:
            cells[column.name, column.language] = text
    return cells


def read_excel(content: bytes) -> DefinitionData:
    """Return the form's sheets in an .xlsx file; a single sheet is taken as the survey sheet."""
    reader = ExcelReader(io.BytesIO(content), read_only=True, data_only=True)
    try:
        reader.read()
        sheets = {sheet.title: sheet for sheet in reader.wb.worksheets}
        parts: dict[str, Any] = {"sheet_names": list(sheets)}
        for title, sheet in sheets.items():
            name = title.lower()
            if len(sheets) == 1:
                name = SURVEY
            if name in SUPPORTED_SHEET_NAMES:
                parts[name], parts[f"{name}_header"] = _read_worksheet_rows(sheet)
        return DefinitionData(**parts)
    finally:
        reader.archive.close()


def _read_worksheet_rows(sheet: Any) -> tuple[list[dict[str, Any]], list[dict[str, None]]]:
    sheet.reset_dimensions()
    first = next(sheet.iter_rows(max_row=1), ())
    headers = get_excel_column_headers(
        (None if cell.value is None else str(cell.value)) for cell in first
    )
    if not headers:
        return [], []
    rows = get_excel_rows(headers, sheet.iter_rows(min_row=2, max_col=len(headers)), _format_cell)
    return rows, [dict.fromkeys(header for header in headers if header is not None)]


def _format_cell(cell: Any, _row: int, _column: str) -> str | None:
    value = cell.value.strip() if isinstance(cell.value, str) else cell.value
    return None if is_empty(value) else str(xlsx_value_to_str(value))


_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_BOLD = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1", re.DOTALL)
_HEADING = re.compile(r"^#{1,6}[ \t]+", re.MULTILINE)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_BLANKS = re.compile(r"[ \t\u00a0]+")
_ENTITIES = {"&nbsp;": " ", "&lt;": "<", "&gt;": ">", "&amp;": "&"}


def strip_markup(text: str) -> str:
    """Return the text without HTML tags, bold and heading marks and control characters."""
    previous = None
    while previous != text:
        previous = text
        text = _drop_markup(text)
    return text


def _drop_markup(text: str) -> str:
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = re.sub(r"<br\s*/?>", "\n", text, flags=re.IGNORECASE)
    text = _HEADING.sub("", _BOLD.sub(r"\2", _TAG.sub("", text)))
    for entity, character in _ENTITIES.items():
        text = text.replace(entity, character)
    lines = (_BLANKS.sub(" ", line).strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def collapse_whitespace(text: str) -> str:
    return " ".join(text.split())
