"""Small tables as plain columns, formatted for the screen and for CSV.

Data frames would cost too much at every click.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from survey.locale.figures import format_quantity
from survey.publish.text_lines import CodedTexts, iter_line_bytes
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
    """Format numbers with one decimal, thousands apart, and a dash for a missing one.

    What rounds to zero has no sign.
    """
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
        return format_quantity(value, 1)
    if isinstance(value, int):
        return f"{value:,d}"
    return str(value)


def csv_bytes(table: pd.DataFrame, remarks: Sequence[str] = ()) -> bytes:
    """Return UTF-8 with byte order mark; `remarks` (title, watermark) are the first lines.

    Text that a spreadsheet would run as a formula is made harmless with an apostrophe; numbers
    stay numbers, with four decimals.
    """
    heads = [_quote_cell(escape_formula(remark)) for remark in remarks]
    heads.append(",".join(_quote_cell(escape_formula(str(name))) for name in table.columns))
    above = BYTE_ORDER_MARK + "".join(f"{line or EMPTY_LINE}{_LINE_END}" for line in heads)
    count = table.shape[1]
    if not count:
        return (above + f"{EMPTY_LINE}{_LINE_END}" * len(table)).encode()
    empty = EMPTY_LINE if count == 1 else ""

    def cell(value: object, end: str) -> str:
        return (_format_csv_cell(value) or empty) + end

    ends = [","] * (count - 1) + [_LINE_END]
    columns = [
        CodedTexts.of(table.iloc[:, place], partial(cell, end=end))
        for place, end in enumerate(ends)
    ]
    return b"".join((above.encode(), *iter_line_bytes(columns)))


_LINE_END = "\r\n"
EMPTY_LINE = '""'
"""Line of a row whose only cell is empty; an empty line would be no row."""
_NEEDS_QUOTES = re.compile('[,"\r\n]')


def _format_csv_cell(value: object) -> str:
    if _is_missing(value):
        return ""
    if isinstance(value, float):
        return str(round(value, 4) + 0.0)
    if isinstance(value, int):
        return str(value)
    return _quote_cell(escape_formula(str(value)))


def _quote_cell(text: str) -> str:
    """Return a cell between quotation marks where its text would end it."""
    if not _NEEDS_QUOTES.search(text):
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
