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

__all__ = [
    "KIND_NAMES",
    "REVIEW_FROM",
    "VERSION",
    "WEIGHTS",
    "By",
    "FlagKind",
    "InterviewerEffect",
    "QualityRow",
    "WaveAssessed",
    "assess_wave",
    "interviewer_effect",
    "quality_by",
    "reason_of",
    "wilson",
]
