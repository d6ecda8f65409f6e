"""Review: the queue of interviews to look at, one interview as it was answered, and the moves.

Everything is cut to the reader's area inside the queries; a city outside it reads as empty.
"""

from survey.fieldwork.review.deciding import (
    Preview,
    SelectionChanged,
    TooManyAtOnce,
    decide,
    decide_all,
    next_steps,
    preview,
)
from survey.fieldwork.review.interview import Answered, Flag, Interview, Step, read_interview
from survey.fieldwork.review.listing import (
    ANY_FLAG,
    REVIEWABLE,
    Filter,
    Queued,
    count,
    previous,
    queue,
    review_waves,
    surveyors,
    tally,
    wave_of,
)

__all__ = [
    "ANY_FLAG",
    "REVIEWABLE",
    "Answered",
    "Filter",
    "Flag",
    "Interview",
    "Preview",
    "Queued",
    "SelectionChanged",
    "Step",
    "TooManyAtOnce",
    "count",
    "decide",
    "decide_all",
    "next_steps",
    "preview",
    "previous",
    "queue",
    "read_interview",
    "review_waves",
    "surveyors",
    "tally",
    "wave_of",
]
