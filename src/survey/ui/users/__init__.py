"""The page for users and rights."""

from survey.ui.users.page import draw_users

__all__ = ["draw_users"]
