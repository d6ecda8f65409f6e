"""The page of the audit trail."""

from survey.ui.audit.choice import choose
from survey.ui.audit.screen import show

__all__ = ["choose", "show"]
