"""Columns of results tables: their types in a snapshot, and the decimals with which they leave it.

Exact values stay in the snapshot. Weights of an age by gender cell are the census divided by its
respondents. Whoever knows the census solves a few unrounded rates of one city for how many people
each hidden group has, and how many of them said yes: unrounded figures tell people apart, figures
with one decimal do not. So a column leaves with the decimals that are declared here, and a column
that is not declared does not leave. Verdicts, places, grades and arrows are decided from the exact
values, before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.disclosure import mask_reasons
from survey.results.method_sheets import SHEET_DECIMALS, SHEET_TEXTS


@dataclass(frozen=True)
class ColumnTypes:
    """Types of the columns of one results table.

    `texts` are categories of the values present, `choices` categories of all members of an
    enumeration, `numbers` floats; a column `shown` is boolean. Other columns keep their type.
    """

    texts: Sequence[str]
    numbers: Sequence[str] = ()
    choices: Mapping[str, type[StrEnum]] = field(default_factory=dict)

    def cast(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the table with its columns cast to these types."""
        types: dict[str, Any] = {name: key_dtype(table[name]) for name in self.texts}
        types |= dict.fromkeys(self.numbers, "float64")
        types |= {
            name: pd.CategoricalDtype([member.value for member in choice])
            for name, choice in self.choices.items()
        }
        if "shown" in table:
            types["shown"] = bool
        return table.astype(types)

    def empty(self, columns: Sequence[str]) -> pd.DataFrame:
        """Return a table without rows that has these columns and types."""
        return self.cast(pd.DataFrame(columns=list(columns)))


def key_dtype(column: pd.Series) -> pd.CategoricalDtype:
    """Return a categorical type of the column's distinct texts; without any, of one empty text."""
    return pd.CategoricalDtype(sorted(column.astype(str).unique()) or [""])


_FIGURES = (
    "estimate", "ci_low", "ci_high", "reference", "difference", "before", "after",
    "model", "model_low", "model_high", "adjustment",
    "importance", "importance_low", "importance_high",
    "performance", "performance_low", "performance_high", "agreement", "set_agreement",
    "deff",
)  # fmt: skip
"""Scores, rates, their bounds and differences, shares in per cent; a design effect as well, which
with the spread of a rate would tell its error."""
_SHARES = ("p_top", "shrinkage", "r_squared")
"""Parts of 1, as whole per cents."""
_COUNTS = (
    "n", "n_psu", "n_reference", "n_before", "n_after", "df", "cities", "replicates",
    "rank", "tied", "ranked", "low", "high", "marginal_low", "marginal_high",
    "sensitivity_low", "sensitivity_high", "priority",
)  # fmt: skip
DECIMALS: Mapping[str, int] = (
    dict.fromkeys(_FIGURES, 1)
    | dict.fromkeys(_SHARES, 2)
    | dict.fromkeys(_COUNTS, 0)
    | SHEET_DECIMALS
)
WITHHELD = frozenset({"se", "sum_weight", "mse", "p", "p_adjusted", "critical"})
"""Columns that stay in the snapshot: sums of weights and standard errors are functions of counts,
and a p value is one of a standard error. The interval says how sure a figure is."""
TEXTS = SHEET_TEXTS | frozenset(
    {"contrast", "basis", "composite", "before_wave", "area_level", "area", "other", "group",
     "indicator", "status", "grade", "model_basis", "no_model", "no_drivers", "verdict", "shown",
     "reason"}
)  # fmt: skip
_OF_THE_MODEL = frozenset({"model", "model_low", "model_high", "shrinkage", "adjustment"})
"""Figures that a hidden row keeps: they rest on the other cities, see `small_areas`."""


class UndeclaredColumnError(LookupError):
    """Raised when a column to be published has no declared number of decimals."""


def round_figures(values: NDArray[np.float64], decimals: int = 1) -> NDArray[np.float64]:
    """Return values rounded to `decimals` for publication, without negative zeros."""
    return np.asarray(np.round(values, decimals) + 0.0)


def to_published_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return a protected table as published: rounded, one neutral reason for all hidden rows.

    Raises:
        UndeclaredColumnError: default deny.
    """
    shown = table["shown"].to_numpy(dtype=bool) if "shown" in table else np.True_
    columns: dict[str, object] = {}
    for name in table.columns:
        if name in TEXTS:
            columns[name] = table[name]
        elif name in DECIMALS:
            values = table[name].to_numpy(dtype=float, na_value=np.nan)
            values = values if name in _OF_THE_MODEL else np.where(shown, values, np.nan)
            columns[name] = round_figures(values, DECIMALS[name])
        elif name not in WITHHELD:
            raise UndeclaredColumnError(name)
    result = pd.DataFrame(columns, index=table.index, copy=False)
    return mask_reasons(result) if "shown" in result.columns else result


def read_numbers(table: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """Return a column as floats, NaN for nulls."""
    return table[column].to_numpy(dtype=np.float64, na_value=np.nan)
