"""Quality of the interviews: detectors raise flags, people decide about them."""

from survey.fieldwork.quality.assessment import (
    AssessmentFreshness,
    AssessmentSummary,
    assess_new_responses,
    assess_wave,
    get_assessment_freshness,
    is_assessment_due,
)
from survey.fieldwork.quality.flags import (
    KIND_NAMES,
    MIN_REVIEW_RISK,
    VERSION,
    WEIGHTS,
    FlagKind,
    flag_text,
)
from survey.fieldwork.quality.interviewer_effect import (
    InterviewerEffect,
    interviewer_effect,
    wilson,
)
from survey.fieldwork.quality.summary import QualityGrouping, QualityRow, summarise_quality

__all__ = [
    "KIND_NAMES",
    "MIN_REVIEW_RISK",
    "VERSION",
    "WEIGHTS",
    "AssessmentFreshness",
    "AssessmentSummary",
    "FlagKind",
    "InterviewerEffect",
    "QualityGrouping",
    "QualityRow",
    "assess_new_responses",
    "assess_wave",
    "flag_text",
    "get_assessment_freshness",
    "interviewer_effect",
    "is_assessment_due",
    "summarise_quality",
    "wilson",
]
