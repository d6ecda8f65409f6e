"""Quality of the interviews: detectors raise flags, people decide what follows from them."""

from survey.fieldwork.quality.assessing import WaveAssessed, assess_wave
from survey.fieldwork.quality.effects import InterviewerEffect, interviewer_effect, wilson
from survey.fieldwork.quality.kinds import (
    KIND_NAMES,
    REVIEW_FROM,
    VERSION,
    WEIGHTS,
    FlagKind,
    reason_of,
)
from survey.fieldwork.quality.summary import By, QualityRow, quality_by
from survey.fieldwork.quality.watching import LastLook, is_due, last_look, look_at_new

__all__ = [
    "KIND_NAMES",
    "REVIEW_FROM",
    "VERSION",
    "WEIGHTS",
    "By",
    "FlagKind",
    "InterviewerEffect",
    "LastLook",
    "QualityRow",
    "WaveAssessed",
    "assess_wave",
    "interviewer_effect",
    "is_due",
    "last_look",
    "look_at_new",
    "quality_by",
    "reason_of",
    "wilson",
]
