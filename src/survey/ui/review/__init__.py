"""The reviewer's page: a filtered queue, one interview, the decisions, and many at once."""

from survey.ui.review.choice import Choice, choose
from survey.ui.review.screen import review

__all__ = ["Choice", "choose", "review"]
