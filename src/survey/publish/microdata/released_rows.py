"""Released rows of a wave before a file format is chosen, and what was done to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from survey.publish.microdata.variables import Variable

if TYPE_CHECKING:
    import pandas as pd

MIN_CLASS_SIZE = 5
"""k: so many interviews share every combination of weight and labels that is left in a file."""

RELEASE_STEPS = 3
"""Steps of a release: rows are read, de-identified, compared with the published figures."""


@dataclass(frozen=True)
class HeadlineDeviation:
    """Largest differences in points, rounded up to a hundredth; null without a figure."""

    everyone: float | None
    """All rows of the file together: the nation, or the area of the account."""
    largest_city: float | None


@dataclass(frozen=True, eq=False)
class ReleasedWave:
    """Released rows of a wave with their variables in some languages."""

    table: "pd.DataFrame | pa.Table"
    variables: Mapping[str, tuple[Variable, ...]]
    """By language."""
    blanked: int
    dropped: int
    merged: int
    """Rows whose weight is the mean of a merge."""
    deviation: HeadlineDeviation


def as_arrow(table: "pd.DataFrame | pa.Table") -> pa.Table:
    """Return rows as an Arrow table."""
    return (
        table if isinstance(table, pa.Table) else pa.Table.from_pandas(table, preserve_index=False)
    )
