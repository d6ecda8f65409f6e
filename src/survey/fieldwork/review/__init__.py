"""Review: the queue of interviews, one interview in detail, and decisions.

Everything is cut to the reader's area inside the queries; a city outside it reads as empty.
"""

from survey.fieldwork.review.decisions import (
    BulkPreview,
    SelectionConflictError,
    TooManyResponsesError,
    allowed_transitions,
    decide,
    decide_many,
    preview_bulk_decision,
)
from survey.fieldwork.review.response_detail import (
    AnsweredItem,
    FlagDetail,
    HistoryEntry,
    ResponseDetail,
    get_response_detail,
)
from survey.fieldwork.review.review_queue import (
    ANY_FLAG,
    REVIEWABLE,
    QueueEntry,
    ReviewFilter,
    count_by_status,
    count_queue,
    find_previous,
    find_wave_of,
    list_queue,
    list_review_waves,
    list_surveyors,
)

__all__ = [
    "ANY_FLAG",
    "REVIEWABLE",
    "AnsweredItem",
    "BulkPreview",
    "FlagDetail",
    "HistoryEntry",
    "QueueEntry",
    "ResponseDetail",
    "ReviewFilter",
    "SelectionConflictError",
    "TooManyResponsesError",
    "allowed_transitions",
    "count_by_status",
    "count_queue",
    "decide",
    "decide_many",
    "find_previous",
    "find_wave_of",
    "get_response_detail",
    "list_queue",
    "list_review_waves",
    "list_surveyors",
    "preview_bulk_decision",
]
