"""The progress page: the answer, what to do first, the quota heat table, the days."""

from survey.ui.progress.screen import choose_wave, watch

__all__ = ["choose_wave", "watch"]
