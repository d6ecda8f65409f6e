"""The reviewer's page: filtered queue, interview, decisions, and bulk decisions."""

from survey.ui.review.filters import ReviewSelection, draw_filters
from survey.ui.review.page import draw_review

__all__ = ["ReviewSelection", "draw_filters", "draw_review"]
