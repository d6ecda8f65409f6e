"""The page for back-checks: the draw, the list of people to ask again, what they said."""

from survey.ui.back_check.choice import Choice
from survey.ui.back_check.screen import back_check, choose

__all__ = ["Choice", "back_check", "choose"]
