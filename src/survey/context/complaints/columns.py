"""Columns of a delivery of complaint counts: what each is called, holds and is bounded by."""

from collections.abc import Mapping
from types import MappingProxyType

from survey.context.delivered_columns import DeliveredColumn, read_columns
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
MAX_RECOVERED_YUAN = 10_000_000_000_000
_TOTAL = "total"
COLUMNS_CSV = PROJECT_ROOT / "seed" / "context" / "complaint_columns.csv"
"""Names of the columns as senders write them: data, like the code lists."""
_NAMED = read_columns(COLUMNS_CSV)
COLUMNS: Mapping[str, DeliveredColumn] = MappingProxyType(
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
