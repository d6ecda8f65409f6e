"""The page for planning waves."""

from survey.screens.plan.page import draw_plan

__all__ = ["draw_plan"]
