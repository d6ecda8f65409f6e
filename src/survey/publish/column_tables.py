"""Small tables as plain columns, formatted for the screen and for CSV.

Data frames would cost too much at every click.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
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
    heads = [_quote(escape_formula(remark)) for remark in remarks]
    heads.append(",".join(_quote(escape_formula(str(name))) for name in table.columns))
    above = BYTE_ORDER_MARK + "".join(f"{line or EMPTY_LINE}{_LINE_END}" for line in heads)
    columns = [_column_cells(table.iloc[:, place]) for place in range(table.shape[1])]
    if len(columns) == 1:
        columns = [pc.if_else(pc.equal(columns[0], ""), EMPTY_LINE, columns[0])]
    if not columns or not len(table):
        return (above + f"{EMPTY_LINE}{_LINE_END}" * len(table)).encode()
    comma, end = pa.scalar(",", pa.large_string()), pa.scalar(_LINE_END, pa.large_string())
    parts = [above.encode()]
    for start in range(0, len(table), _CHUNK_ROWS):
        cells = [column.slice(start, _CHUNK_ROWS) for column in columns]
        lines = pc.binary_join_element_wise(*cells, comma)
        parts += _text_bytes(
            pc.binary_join_element_wise(lines, pa.scalar("", pa.large_string()), end)
        )
    return b"".join(parts)


def _column_cells(column: pd.Series) -> pa.Array:
    """Return the cells of a column, each distinct value written once."""
    if pd.api.types.is_float_dtype(column.dtype):
        codes, found = pd.factorize(column.to_numpy(dtype=float, na_value=np.nan))
        return _take_texts([_csv_cell(value) for value in found.tolist()], codes)
    coded = _coded_values(column)
    if coded is None:
        return pa.array([_csv_cell(value) for value in column.tolist()], pa.large_string())
    return _take_texts([_csv_cell(value) for value in coded[1]], coded[0])


def _take_texts(texts: Sequence[str], codes: NDArray[Any]) -> pa.Array:
    """Return texts by their codes; -1 is a missing value, whose cell is empty."""
    last = np.where(codes < 0, len(texts), codes.astype(np.int64))
    return pa.array([*texts, ""], pa.large_string()).take(pa.array(last))


def _text_bytes(texts: pa.Array | pa.ChunkedArray) -> Iterator[bytes]:
    """Yield the texts of an array one after the other, as they lie in memory."""
    for chunk in texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]:
        _, offsets, data = chunk.buffers()
        ends = np.frombuffer(offsets, dtype=np.int64)
        first, last = ends[chunk.offset], ends[chunk.offset + len(chunk)]
        yield data.slice(first, last - first).to_pybytes() if data is not None else b""


_CHUNK_ROWS = 20_000
"""Rows whose lines are joined at a time: a large file lies in memory twice, not four times."""
_LINE_END = "\r\n"
EMPTY_LINE = '""'
"""Line of a row whose only cell is empty; an empty line would be no row."""
_NEEDS_QUOTES = re.compile('[,"\r\n]')


def column_texts(column: pd.Series, write: Callable[[object], str]) -> list[str]:
    """Return every value of a column as `write` writes it, each distinct value written once."""
    coded = _coded_values(column)
    if coded is None:
        return [write(value) for value in column.tolist()]
    codes, distinct = coded
    written = np.array([*(write(value) for value in distinct), write(None)], dtype=object)
    texts: list[str] = written[codes].tolist()
    return texts


def _coded_values(column: pd.Series) -> tuple[NDArray[Any], list[Any]] | None:
    """Return the distinct values of a column and which each row has, -1 for a missing one.

    None for a column whose values may differ in every row, or be of several kinds.
    """
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return column.cat.codes.to_numpy(), column.cat.categories.tolist()
    if pd.api.types.is_integer_dtype(kind) or isinstance(kind, pd.StringDtype):
        codes, found = pd.factorize(column)
        return codes, pd.Series(found).tolist()
    return None


def _csv_cell(value: object) -> str:
    if _is_missing(value):
        return ""
    if isinstance(value, float):
        return str(round(value, 4))
    if isinstance(value, int):
        return str(value)
    return _quote(escape_formula(str(value)))


def _quote(text: str) -> str:
    """Return a cell between quotation marks where its text would end it."""
    if not _NEEDS_QUOTES.search(text):
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
