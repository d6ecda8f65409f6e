"""The screen for users and rights."""

from survey.ui.users.screen import users

__all__ = ["users"]
