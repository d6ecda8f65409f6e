"""The office's page: keying sheets, settling what differs, errors of typists."""

from survey.ui.paper.screen import choose_view, show

__all__ = ["choose_view", "show"]
