"""The page of the audit trail."""

from survey.ui.audit.filters import draw_filters
from survey.ui.audit.page import draw_trail

__all__ = ["draw_filters", "draw_trail"]
