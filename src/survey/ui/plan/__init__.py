"""The page for planning waves."""

from survey.ui.plan.page import draw_plan

__all__ = ["draw_plan"]
