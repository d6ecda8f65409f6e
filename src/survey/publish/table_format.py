"""Tables formatted for the screen and for CSV."""

import csv
import io
import math
from collections.abc import Sequence

import pandas as pd
import pyarrow as pa

from survey.publish.column_tables import Columns, to_list
from survey.spreadsheets import escape_formula

BYTE_ORDER_MARK = "\ufeff"
"""Without it spreadsheet programs misread Chinese."""


def format_for_screen(columns: Columns, absent: str = "–") -> pa.Table:
    """Format numbers with one decimal, thousands apart, and a dash for a missing one."""
    shown = {
        name: [_format_value(value, absent) for value in to_list(values)]
        for name, values in columns.items()
    }
    return pa.table({name: pa.array(texts, pa.string()) for name, texts in shown.items()})


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def _format_value(value: object, absent: str) -> str:
    if isinstance(value, str):
        return value
    if _is_missing(value):
        return absent
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, int):
        return f"{value:,d}"
    return str(value)


def csv_bytes(table: pd.DataFrame, remarks: Sequence[str] = ()) -> bytes:
    """Return UTF-8 with byte order mark; `remarks` (title, watermark) are the first lines.

    Text that a spreadsheet would run as a formula is made harmless with an apostrophe; numbers
    stay numbers, with four decimals.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerows([escape_formula(remark)] for remark in remarks)
    writer.writerow([escape_formula(str(name)) for name in table.columns])
    for row in table.itertuples(index=False):
        writer.writerow([_csv_value(value) for value in row])
    return (BYTE_ORDER_MARK + buffer.getvalue()).encode()


def _csv_value(value: object) -> str | int | float:
    if _is_missing(value):
        return ""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, int):
        return value
    return escape_formula(str(value))
