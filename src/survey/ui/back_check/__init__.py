"""The back-check page: draws, the list of people to ask again, and the results."""

from survey.ui.back_check.filters import BackCheckSelection, draw_filters
from survey.ui.back_check.page import draw_back_check

__all__ = ["BackCheckSelection", "draw_back_check", "draw_filters"]
