"""Rows of an .xlsx workbook, with pyxform's own rules for headers, rows and values.

pyxform's reader trusts the size that a sheet claims to have and loses, without a word, the rows
beyond it; several programs write a size that is wrong. Here the claim is set aside.
"""

import io
from collections.abc import Iterator
from typing import Any

from openpyxl.reader.excel import ExcelReader
from pyxform.constants import SUPPORTED_SHEET_NAMES, SURVEY
from pyxform.xls2json_backends import (
    DefinitionData,
    get_excel_column_headers,
    get_excel_rows,
    is_empty,
    xlsx_value_to_str,
)


def read_excel(content: bytes) -> DefinitionData:
    """Return the sheets of a form; a single sheet counts as the survey sheet."""
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
                parts[name], parts[f"{name}_header"] = _worksheet_rows(sheet)
        return DefinitionData(**parts)
    finally:
        reader.archive.close()


def _worksheet_rows(sheet: Any) -> tuple[list[dict[str, Any]], list[dict[str, None]]]:
    sheet.reset_dimensions()
    first = next(sheet.iter_rows(max_row=1), ())
    headers = get_excel_column_headers(_header(cell.value) for cell in first)
    if not headers:
        return [], []
    rows = get_excel_rows(headers, sheet.iter_rows(min_row=2, max_col=len(headers)), _text)
    return rows, [dict.fromkeys(_nonempty_headers(headers))]


def _nonempty_headers(headers: list[str | None]) -> Iterator[str]:
    return (header for header in headers if header is not None)


def _header(value: object) -> str | None:
    return None if value is None else str(value)


def _text(cell: Any, _row: int, _column: str) -> str | None:
    value = cell.value.strip() if isinstance(cell.value, str) else cell.value
    return None if is_empty(value) else str(xlsx_value_to_str(value))
