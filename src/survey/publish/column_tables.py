"""Small tables as plain columns, because data frames cost too much at every click."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

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
