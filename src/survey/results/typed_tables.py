"""Column types of results tables, the same with and without rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pandas as pd


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
        """Return the table with these types."""
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
        """Return a table without rows whose file can be queried like any other."""
        return self.cast(pd.DataFrame(columns=list(columns)))


def key_dtype(column: pd.Series) -> pd.CategoricalDtype:
    """Return the categorical type of a key column; an empty one keeps its type through a file."""
    return pd.CategoricalDtype(sorted(column.astype(str).unique()) or [""])
