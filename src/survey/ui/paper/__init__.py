"""The paper entry page: keying, adjudication, error rates of typists."""

from survey.ui.paper.page import draw_tab, draw_tabs

__all__ = ["draw_tab", "draw_tabs"]
