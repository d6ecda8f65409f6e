"""Released rows of a wave before a file format is chosen, and what was done to them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
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
    """Raised when a file and the published tables together prove some blanked answers."""

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
    """Largest differences of a file's headline scores from the published, in points, or None."""

    everyone: float | None
    """All rows of the file together: the nation, or the area of the account."""
    largest_city: float | None


@dataclass(frozen=True, kw_only=True, eq=False)
class RowCounts:
    """Counts of what de-identification did to rows: blanked, dropped, merged, exchanged."""

    blanked: int = 0
    """Values that were blanked."""
    dropped: int = 0
    """Rows that were left out."""
    merged: int = 0
    """Rows whose weight is the mean of a merge: with their labels they were too few."""
    exchanged: int = 0
    """Rows whose answers are those of another row."""
    covered: int = 0
    to_cover: int = 0
    """Blanked labels that the check of the file looked at, and that there are."""

    def as_counts(self) -> dict[str, int]:
        """Return field name -> count, for the fields of this class but not of subclasses."""
        return {field.name: getattr(self, field.name) for field in fields(RowCounts)}


@dataclass(frozen=True, eq=False)
class ReleasedWave(RowCounts):
    """De-identified rows of a wave, their variables by language, and their headline's deviation."""

    table: "pd.DataFrame | pa.Table"
    variables: Mapping[str, tuple[Variable, ...]]
    """By language."""
    deviation: HeadlineDeviation


def as_arrow(table: "pd.DataFrame | pa.Table") -> pa.Table:
    """Return rows as an Arrow table, converted if they are a data frame."""
    return (
        table if isinstance(table, pa.Table) else pa.Table.from_pandas(table, preserve_index=False)
    )
