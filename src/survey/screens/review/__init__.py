"""The reviewer's page: filtered queue, interview, decisions, and late interviews."""

from survey.screens.review.filters import ReviewSelection, draw_filters
from survey.screens.review.page import draw_review
from survey.screens.review.parked import LATE, draw_parked, pick_part

__all__ = ["LATE", "ReviewSelection", "draw_filters", "draw_parked", "draw_review", "pick_part"]
