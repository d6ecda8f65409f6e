"""The one gate between estimates and eyes."""

from survey.disclosure.follow import CELL_KEYS, follow
from survey.disclosure.gate import protect
from survey.disclosure.reasons import MINIMUM_N, Reason

__all__ = ["CELL_KEYS", "MINIMUM_N", "Reason", "follow", "protect"]
