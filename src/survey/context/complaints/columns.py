"""Columns of a delivery of complaint counts: what each is called, holds and is bounded by."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from survey.settings import PROJECT_ROOT

PERIOD, AREA = "period", "area"
CODES = ("nature", "goods_class", "channel", "age_group")
"""Columns with codes, in the order of the key."""
OPTIONAL_CODES = frozenset({"channel", "age_group"})
MEASURES = (
    "accepted",
    "solved",
    "mediated",
    "mediation_succeeded",
    "settled_first",
    "recovered",
    "consultations",
    "fraud",
)
RECOVERED, RECOVERED_FEN = "recovered", "recovered_fen"
"""Money is delivered in yuan and stored in hundredths, so that sums are exact."""
MAX_COUNT = 2_000_000_000
MAX_RECOVERED_YUAN = 10_000_000_000_000
_TOTAL = "total"
COLUMNS_CSV = PROJECT_ROOT / "seed" / "context" / "complaint_columns.csv"
"""Names of the columns as senders write them: data, like the code lists."""


@dataclass(frozen=True)
class CountColumn:
    """Column by its names in files, the first of which the template has."""

    names: tuple[str, ...]
    required: bool
    example: str


def _read_columns() -> dict[str, CountColumn]:
    with COLUMNS_CSV.open(encoding="utf-8", newline="") as file:
        return {
            row["key"]: CountColumn(
                tuple(row["names"].split(";")), row["required"] == "yes", row["example"]
            )
            for row in csv.DictReader(file)
        }


_NAMED = _read_columns()
COLUMNS: Mapping[str, CountColumn] = MappingProxyType(
    {key: column for key, column in _NAMED.items() if key != _TOTAL}
)
TOTAL_NAMES = _NAMED[_TOTAL].names
"""What stands in a column of a row that sums over it, the usual word first."""
BOUNDS: tuple[tuple[str, str], ...] = (
    ("solved", "accepted"),
    ("mediated", "accepted"),
    ("mediation_succeeded", "mediated"),
    ("mediation_succeeded", "solved"),
    ("settled_first", "solved"),
    ("fraud", "accepted"),
)
"""Pairs of columns, the first of which is never larger than the second."""


def key_of_column(header: str) -> str | None:
    """Return the key of a column by its head, Chinese or English; None for an unknown one."""
    wanted = header.strip().lower()
    return next(
        (
            key
            for key, column in COLUMNS.items()
            if wanted == key or wanted in (name.lower() for name in column.names)
        ),
        None,
    )
