"""The control tower: what is collected, valid and waiting, by city and quota cell, and what to do.

A handful of grouped queries, each cut to the reader's area; nothing here reads an answer.
"""

from survey.fieldwork.progress.concerns import FEWEST_FLAGGED, PATIENCE, Concern, ToDo
from survey.fieldwork.progress.counting import WINDOW
from survey.fieldwork.progress.daily import CellDays, cells_by_day, recent_days
from survey.fieldwork.progress.dispositions import Dispositions
from survey.fieldwork.progress.model import (
    Cell,
    MarginTally,
    Place,
    Share,
    Tally,
    is_marginal,
    share,
)
from survey.fieldwork.progress.wave import Progress, progress_of, progress_waves

__all__ = [
    "FEWEST_FLAGGED",
    "PATIENCE",
    "WINDOW",
    "Cell",
    "CellDays",
    "Concern",
    "Dispositions",
    "MarginTally",
    "Place",
    "Progress",
    "Share",
    "Tally",
    "ToDo",
    "cells_by_day",
    "is_marginal",
    "progress_of",
    "progress_waves",
    "recent_days",
    "share",
]
