"""Progress of the fieldwork: interviews by city, state and quota cell, forecasts and alerts.

A handful of grouped queries, each cut to the reader's area; nothing here reads an answer.
"""

from survey.fieldwork.progress.alerts import MAX_REVIEW_WAIT, MIN_FLAGGED, Alert, AlertKind
from survey.fieldwork.progress.area_progress import (
    WINDOW,
    DailyCellCounts,
    count_cells_by_day,
    recent_days,
)
from survey.fieldwork.progress.dispositions import Dispositions
from survey.fieldwork.progress.tallies import (
    AreaProgress,
    CellProgress,
    MarginalQuotaTally,
    ShareEstimate,
    StatusTally,
    is_marginal,
    share_with_interval,
)
from survey.fieldwork.progress.wave_progress import WaveProgress, get_progress, list_progress_waves

__all__ = [
    "MAX_REVIEW_WAIT",
    "MIN_FLAGGED",
    "WINDOW",
    "Alert",
    "AlertKind",
    "AreaProgress",
    "CellProgress",
    "DailyCellCounts",
    "Dispositions",
    "MarginalQuotaTally",
    "ShareEstimate",
    "StatusTally",
    "WaveProgress",
    "count_cells_by_day",
    "get_progress",
    "is_marginal",
    "list_progress_waves",
    "recent_days",
    "share_with_interval",
]
