"""Released rows of a wave before a file format is chosen, and what was done to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from survey.files.microdata.variables import Variable
from survey.locale import SurveyError, msg

if TYPE_CHECKING:
    import pandas as pd

MIN_CLASS_SIZE = 5
"""k: so many interviews share every combination of weight and labels that is left in a file."""

ONE_IN = 10
"""Of so many interviews of a city one is left out of a file, and of the rest one more."""

RELEASE_STEPS = 3
"""Steps of a release: rows are read, de-identified, compared with the published figures."""


class RowsCanBeUndoneError(SurveyError):
    """Raised when blanked labels of a file are proved by it and the published table."""

    code = "rows_can_be_undone"

    def __init__(self, cities: int, times: int) -> None:
        super().__init__(
            msg(
                "No file was made: together with the published tables it would tell blanked "
                "answers of single people in {count} cities, also when it was drawn {times} "
                "times. Ask for an exact file, which another person approves.",
                count=cities,
                times=times,
            )
        )
        self.entry: Mapping[str, Any] | None = None
        """Who was refused which rows, for the audit trail."""


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
    """Rows whose labels were blanked because they were too few."""
    exchanged: int
    """Rows whose answers are those of another row."""
    covered: int
    to_cover: int
    """Blanked labels that the check of the file looked at, and that there are."""
    deviation: HeadlineDeviation


def as_arrow(table: "pd.DataFrame | pa.Table") -> pa.Table:
    """Return rows as an Arrow table."""
    return (
        table if isinstance(table, pa.Table) else pa.Table.from_pandas(table, preserve_index=False)
    )
