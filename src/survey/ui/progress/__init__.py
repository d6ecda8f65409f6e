"""The progress page: the answer, what to do first, the quota heat table, one place by day."""

from survey.ui.progress.quality import who_needs_attention
from survey.ui.progress.screen import choose, watch

__all__ = ["choose", "watch", "who_needs_attention"]
