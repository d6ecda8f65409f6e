"""Small tables as plain columns, formatted for the screen and for CSV.

Data frames would cost too much at every click.
"""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from survey.spreadsheets import escape_formula

BYTE_ORDER_MARK = "\ufeff"
"""Without it spreadsheet programs misread Chinese."""

Columns = Mapping[str, Sequence[Any] | NDArray[Any]]
"""Column name -> values, all of one length."""


def to_list(values: Sequence[Any] | NDArray[Any]) -> list[Any]:
    """Return the values as Python objects."""
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def concat_columns(parts: Iterable[Columns]) -> dict[str, list[Any]]:
    """Return several tables with the same columns, one below the other."""
    result: dict[str, list[Any]] = {}
    for part in parts:
        for name, values in part.items():
            result.setdefault(name, []).extend(to_list(values))
    return result


def to_frame(columns: Columns) -> pd.DataFrame:
    """Return the table as a data frame."""
    return pd.DataFrame(
        {
            name: values if isinstance(values, np.ndarray) else pd.Series(values, dtype=object)
            for name, values in columns.items()
        }
    )


def to_arrow(columns: Columns) -> pa.Table:
    """Return the table for the browser; not-a-number becomes null."""
    return pa.table({name: pa.array(v, from_pandas=True) for name, v in columns.items()})


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
