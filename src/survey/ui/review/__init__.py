"""The reviewer's page: a filtered queue, one interview, the decisions, and many at once."""

from survey.ui.review.filters import ReviewSelection, draw_filters
from survey.ui.review.page import draw_review

__all__ = ["ReviewSelection", "draw_filters", "draw_review"]
