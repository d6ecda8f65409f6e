"""The one gate between estimates and eyes."""

from survey.disclosure.differencing import Memberships, Overlaps, overlaps
from survey.disclosure.embargo import withheld
from survey.disclosure.follow import CELL_KEYS, follow
from survey.disclosure.gate import audit_published, narrow_keys, protect
from survey.disclosure.interval_audit import WORK_PER_SECOND, IntervalAuditor
from survey.disclosure.reasons import HIDDEN, MINIMUM_N, Reason, hidden_by, neutral, published
from survey.disclosure.totals import Total

__all__ = [
    "CELL_KEYS",
    "HIDDEN",
    "MINIMUM_N",
    "WORK_PER_SECOND",
    "IntervalAuditor",
    "Memberships",
    "Overlaps",
    "Reason",
    "Total",
    "audit_published",
    "follow",
    "hidden_by",
    "narrow_keys",
    "neutral",
    "overlaps",
    "protect",
    "published",
    "withheld",
]
