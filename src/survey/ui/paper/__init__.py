"""The office's page: keying sheets, settling what differs, errors of typists."""

from survey.ui.paper.page import draw_tab, draw_tabs

__all__ = ["draw_tab", "draw_tabs"]
