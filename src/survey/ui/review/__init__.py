"""The reviewer's page: filtered queue, interview, decisions, and late interviews."""

from survey.ui.review.filters import ReviewSelection, draw_filters
from survey.ui.review.page import draw_review
from survey.ui.review.parked import LATE, draw_parked, pick_part

__all__ = ["LATE", "ReviewSelection", "draw_filters", "draw_parked", "draw_review", "pick_part"]
