"""File formats of exported rows, with account and purpose inside and no formulas."""

import io
import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from survey.locale import SurveyError, msg
from survey.publish.column_tables import csv_bytes
from survey.spreadsheets import is_formula, write_text_cell

MAX_WORKSHEET_CELLS = 1_500_000
"""A workbook beyond this takes minutes to write and to open."""


class FileFormat(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"


class WorksheetTooLargeError(SurveyError):
    code = "too_large_for_sheet"


def write_file(table: pd.DataFrame, form: FileFormat, remarks: Sequence[str]) -> bytes:
    """Write rows as a file; `remarks` are its first lines and properties."""
    if form is FileFormat.CSV:
        return csv_bytes(_with_whole_weights(table), remarks)
    if form is FileFormat.XLSX:
        return _workbook(table, remarks)
    return _parquet(table, remarks)


def _with_whole_weights(table: pd.DataFrame) -> pd.DataFrame:
    """Return weights as text; rounded, those of a city would not add up any more."""
    if "weight" not in table:
        return table
    return table.assign(weight=[repr(float(weight)) for weight in table["weight"]])


def _workbook(table: pd.DataFrame, remarks: Sequence[str]) -> bytes:
    if table.size > MAX_WORKSHEET_CELLS:
        raise WorksheetTooLargeError(
            msg("This is too much for a workbook. Please choose CSV or Parquet.")
        )
    book = Workbook(write_only=True)
    book.properties.creator = remarks[0] if remarks else ""
    book.properties.description = "\n".join(remarks)
    sheet = book.create_sheet("rows")
    for remark in remarks:
        sheet.append([_cell(sheet, remark)])
    sheet.append([_cell(sheet, str(name)) for name in table.columns])
    plain = table.astype(object).where(table.notna(), None)
    for row in plain.itertuples(index=False, name=None):
        sheet.append([_cell(sheet, value) for value in row])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _cell(sheet: Any, value: object) -> object:
    if not (isinstance(value, str) and is_formula(value)):
        return value
    cell = WriteOnlyCell(sheet)
    write_text_cell(cell, value)
    return cell


def _parquet(table: pd.DataFrame, remarks: Sequence[str]) -> bytes:
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    metadata = {b"remarks": json.dumps(list(remarks), ensure_ascii=False).encode()}
    buffer = io.BytesIO()
    pq.write_table(
        arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), **metadata}), buffer
    )
    return buffer.getvalue()
