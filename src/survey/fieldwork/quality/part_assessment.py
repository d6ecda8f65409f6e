"""Flags, risk, pace and mean score of the interviews of one part of a wave."""

from dataclasses import dataclass

import numpy as np

from survey.fieldwork.quality.answer_detectors import (
    flag_careless,
    flag_duplicates,
    flag_item_nonresponse,
    flag_speeding,
    flag_straightlining,
    relative_pace,
)
from survey.fieldwork.quality.fieldwork_detectors import (
    flag_bursts,
    flag_interview_hours,
    flag_over_quota,
    flag_shared_devices,
    flag_wrong_points,
)
from survey.fieldwork.quality.flags import WEIGHTS, FlagSet
from survey.fieldwork.quality.reading_floor import flag_reading_floor
from survey.fieldwork.quality.response_arrays import Floats, Ints, ResponseArrays, sum_by_row
from survey.fieldwork.quality.wave_norms import WaveNorms

LOWEST, HIGHEST = 1.0, 10.0
"""Ends of a rating scale that declares none."""


@dataclass(frozen=True)
class QualityAssessment:
    """Flags of N interviews by kind, with risk, pace and mean score of each."""

    flags: tuple[FlagSet, ...]
    risk: Ints
    """0 to 100."""
    pace: Floats
    mean_score: Floats
    """Of the scored ratings, of all where the questionnaire scores none; 0 to 100, else NaN."""


def assess_part(interviews: ResponseArrays, norms: WaveNorms) -> QualityAssessment:
    """Run every detector on all interviews of some cities; nothing here changes an interview."""
    pace = relative_pace(interviews, norms)
    flags = (
        flag_speeding(interviews, pace),
        flag_straightlining(interviews),
        flag_careless(interviews, norms),
        flag_duplicates(interviews),
        flag_interview_hours(interviews),
        flag_bursts(interviews, norms),
        flag_over_quota(interviews),
        flag_item_nonresponse(interviews),
        flag_shared_devices(interviews, norms),
        flag_wrong_points(interviews),
        flag_reading_floor(interviews),
    )
    return QualityAssessment(
        flags, risk_scores(flags, len(interviews)), pace, _compute_mean_scores(interviews)
    )


def risk_scores(flags: tuple[FlagSet, ...], count: int) -> Ints:
    """Return the risk score 100 x (1 - product of (1 - weight x strength)) of each interview.

    Rounded, of shape (count,). Each flag is taken as an independent reason for doubt ("noisy or"):
    more flags never lower the score, and no number of weak ones reaches certainty.
    """
    trust = np.ones(count)
    for flag in flags:
        trust[flag.rows] *= 1 - WEIGHTS[flag.kind] * flag.strength
    return np.rint(100 * (1 - trust)).astype(np.int64)


def _compute_mean_scores(interviews: ResponseArrays) -> Floats:
    """Return the mean of the scored ratings, else of all, each scaled to 0 to 100."""
    items = interviews.ratings
    scored = [column for column, item in enumerate(items) if item.indicator is not None]
    scored = scored or list(range(len(items)))
    lowest = np.array([_end(items[column].minimum, LOWEST) for column in scored])
    highest = np.array([_end(items[column].maximum, HIGHEST) for column in scored])
    given = (interviews.scores[:, scored] - lowest) / (highest - lowest)
    known = np.isfinite(given)
    total = sum_by_row(np.where(known, given, 0.0))
    count = known.sum(axis=1)
    return np.where(count > 0, 100 * total / np.maximum(count, 1), np.nan)


def _end(declared: float | None, usual: float) -> float:
    return usual if declared is None else declared
