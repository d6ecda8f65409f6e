"""The one gate between estimates and eyes."""

from survey.disclosure.gate import MINIMUM_N, Reason, protect

__all__ = ["MINIMUM_N", "Reason", "protect"]
