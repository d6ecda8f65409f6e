"""The progress page: summary, alerts, quota heat map, and one area by day."""

from survey.ui.progress.page import draw_filters, draw_progress
from survey.ui.progress.quality import draw_quality_summary

__all__ = ["draw_filters", "draw_progress", "draw_quality_summary"]
