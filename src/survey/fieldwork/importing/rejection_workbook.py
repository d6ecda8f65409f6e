"""The reasons against the rows of a file as a workbook: summed up first, then row by row."""

import io
import re
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from survey.fieldwork.importing.rejections import (
    RejectionCause,
    RowRejection,
    describe_values,
    reason_of,
)
from survey.locale import Translator
from survey.spreadsheets import write_text_cell

_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def text_cell(sheet: object, text: str) -> Any:
    """Return a cell that no program runs as a formula, without characters XML cannot hold."""
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
