"""The screen for planning waves."""

from survey.ui.plan.screen import plan

__all__ = ["plan"]
