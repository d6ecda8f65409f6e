"""The kinds of the columns of a results table."""

import pandas as pd


def key_dtype(column: pd.Series) -> pd.CategoricalDtype:
    """The kind of a key column; an empty one keeps its kind through a file."""
    return pd.CategoricalDtype(sorted(column.astype(str).unique()) or [""])
