"""The one gate between estimates and eyes."""

from survey.disclosure.differencing import Memberships, Overlaps, overlaps
from survey.disclosure.embargo import withheld
from survey.disclosure.follow import CELL_KEYS, follow
from survey.disclosure.gate import protect
from survey.disclosure.reasons import HIDDEN, MINIMUM_N, Reason, hidden_by, neutral, published
from survey.disclosure.totals import Total

__all__ = [
    "CELL_KEYS",
    "HIDDEN",
    "MINIMUM_N",
    "Memberships",
    "Overlaps",
    "Reason",
    "Total",
    "follow",
    "hidden_by",
    "neutral",
    "overlaps",
    "protect",
    "published",
    "withheld",
]
