"""Page of the questionnaires and their indicators."""

from survey.screens.questionnaires.page import draw_questionnaires

__all__ = ["draw_questionnaires"]
