"""Reasons why a file or a row cannot be imported, by cause, and as a workbook."""

import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from survey.locale import Labels, Message, SurveyError, Translator, label_text, msg
from survey.spreadsheets import write_text_cell

MAX_SHOWN_CHARS = 60
"""Characters of a bad value that are repeated to the person who has to find it."""


class ImportNotPossibleError(SurveyError):
    """Raised when file, mapping, questionnaire and wave do not fit; nothing was written."""

    code = "import_impossible"


class ImportCancelledError(SurveyError):
    """Raised when an import was cancelled while it ran; nothing was written."""

    code = "import_cancelled"
    message = msg("The import was cancelled. Nothing was written.")


@dataclass(frozen=True, slots=True)
class RowRejection:
    """One reason why a row is refused; rows are numbered as in a spreadsheet, the header is 1."""

    row: int
    column: str
    value: str
    message: Labels | Message

    @classmethod
    def of(cls, row: int, column: str, value: str, message: Labels | Message) -> "RowRejection":
        """Return the rejection with its value cut to `MAX_SHOWN_CHARS`."""
        shown = value if len(value) <= MAX_SHOWN_CHARS else f"{value[:MAX_SHOWN_CHARS]}…"
        return cls(row, column, shown, message)


MAX_CAUSES = 500
_MAX_VALUES = 500
"""Distinct values that are counted of one cause; free text never repeats."""
_MAX_SHOWN_VALUES = 3


@dataclass(frozen=True)
class RejectionCause:
    """Refused rows with the same column and reason: their number and most frequent values."""

    rows: int
    first_row: int
    column_number: int
    """Number of the column in the file, from 1 on; 0 where it is not one column."""
    column: str
    values: tuple[tuple[str, int], ...]
    """The most frequent values with the number of rows of each."""
    other_values: int
    """Rows with other values than these."""
    message: Labels | Message
    """The reason as the first of these rows has it."""


class RejectionCauseCounter:
    """Counter of rejections by column and reason while a file is read; its size is bounded."""

    def __init__(self, header: Sequence[str]) -> None:
        self._column_numbers: dict[str, int] = {}
        for number, column in enumerate(header, start=1):
            self._column_numbers.setdefault(column, number)
        self._first: dict[object, RowRejection] = {}
        self._rows: Counter[object] = Counter()
        self._values: dict[object, Counter[str]] = {}

    def add(self, reasons: Sequence[RowRejection]) -> None:
        """Count the rejections of one row."""
        for reason in reasons:
            key = (reason.column, _message_kind_of(reason.message))
            if key not in self._first and len(self._first) >= MAX_CAUSES:
                continue
            self._first.setdefault(key, reason)
            self._rows[key] += 1
            values = self._values.setdefault(key, Counter())
            if reason.value in values or len(values) < _MAX_VALUES:
                values[reason.value] += 1

    def causes(self) -> tuple[RejectionCause, ...]:
        """Return every cause, that of most rows first."""
        return tuple(
            self._build_cause(key, rows)
            for key, rows in sorted(
                self._rows.items(), key=lambda pair: (-pair[1], self._first[pair[0]].row)
            )
        )

    def _build_cause(self, key: object, rows: int) -> RejectionCause:
        first, counted = self._first[key], self._values[key]
        values = tuple((value, n) for value, n in counted.most_common(_MAX_SHOWN_VALUES) if value)
        return RejectionCause(
            rows=rows,
            first_row=first.row,
            column_number=self._column_numbers.get(first.column, 0) if first.column else 0,
            column=first.column,
            values=values,
            other_values=rows - sum(n for _, n in values) - counted.get("", 0),
            message=first.message,
        )


def _message_kind_of(message: Labels | Message) -> object:
    """Return the key of a message's cause: its text without row numbers and names."""
    if isinstance(message, Message):
        return message.msgid
    assert isinstance(message, Mapping)
    return tuple(sorted(message.items()))


def describe_cause(cause: RejectionCause, reason: str, t: Translator) -> str:
    """Return a line on refused rows with a common cause: how many, column, values, `reason`."""
    return t(
        _choose_cause_message(cause).msgid,
        rows=f"{cause.rows:,}",
        place=cause.column_number,
        column=cause.column,
        values=describe_values(cause, t),
        reason=reason,
        first=cause.first_row,
    )


def _choose_cause_message(cause: RejectionCause) -> Message:
    if not cause.column:
        return msg("{rows} rows: {reason} The first is row {first}.")
    if not cause.values:
        if cause.column_number:
            return msg("{rows} rows: column {place} “{column}”: {reason}")
        return msg("{rows} rows: {column}: {reason}")
    if cause.column_number:
        return msg("{rows} rows: column {place} “{column}”, value {values}: {reason}")
    return msg("{rows} rows: {column}, value {values}: {reason}")


def describe_values(cause: RejectionCause, t: Translator) -> str:
    """Return the most frequent values, with their rows where there is more than one value."""
    if len(cause.values) == 1 and not cause.other_values:
        return t("“{value}”", value=cause.values[0][0])
    parts = [t("“{value}” ({count})", value=value, count=f"{n:,}") for value, n in cause.values]
    if cause.other_values:
        parts.append(t("others ({count})", count=f"{cause.other_values:,}"))
    return t(", ").join(parts)


def reason_of(message: Labels | Message, language: str, t: Translator) -> str:
    """Return the reason of a rejection as text in this language."""
    return t(message) if isinstance(message, Message) else label_text(message, language)


_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def text_cell(sheet: object, text: str) -> Any:
    """Return a worksheet cell that is text, never a formula, without characters XML forbids."""
    cell = WriteOnlyCell(sheet, value="")
    write_text_cell(cell, _UNWRITABLE.sub("", text))
    return cell


def write_rejections(
    rejections: tuple[RowRejection, ...],
    causes: tuple[RejectionCause, ...],
    sheet_name: str,
    language: str,
    t: Translator,
) -> bytes:
    """Return an .xlsx list of the problems of a file: summed up first, then row by row."""
    workbook = Workbook(write_only=True)
    _write_causes(workbook, causes, language, t)
    sheet = workbook.create_sheet(t("Problems"))
    for letter, width in (("C", 30), ("D", 30), ("E", 60)):
        sheet.column_dimensions[letter].width = width
    words = (t("Sheet"), t("Row"), t("Column"), t("Value"), t("Reason"))
    sheet.append([text_cell(sheet, word) for word in words])
    for rejection in rejections:
        reason = reason_of(rejection.message, language, t)
        texts = [text_cell(sheet, text) for text in (rejection.column, rejection.value, reason)]
        sheet.append([text_cell(sheet, sheet_name), rejection.row, *texts])
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def _write_causes(
    workbook: Workbook, causes: tuple[RejectionCause, ...], language: str, t: Translator
) -> None:
    sheet = workbook.create_sheet(t("Causes"))
    for letter, width in (("C", 30), ("D", 40), ("E", 60)):
        sheet.column_dimensions[letter].width = width
    words = (t("Rows"), t("Number of the column"), t("Column"), t("Value"), t("Reason"),
             t("First row"))  # fmt: skip
    sheet.append([text_cell(sheet, word) for word in words])
    for cause in causes:
        reason = reason_of(cause.message, language, t)
        texts = [
            text_cell(sheet, text) for text in (cause.column, describe_values(cause, t), reason)
        ]
        sheet.append([cause.rows, cause.column_number or None, *texts, cause.first_row])
