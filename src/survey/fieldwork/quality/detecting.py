"""All detectors over one wave, and the risk score of each interview."""

from dataclasses import dataclass

import numpy as np

from survey.fieldwork.quality.bursts import burst_flags
from survey.fieldwork.quality.careless import careless_flags
from survey.fieldwork.quality.devices import device_flags
from survey.fieldwork.quality.duplicates import duplicate_flags
from survey.fieldwork.quality.flags import Flags
from survey.fieldwork.quality.hours import hour_flags
from survey.fieldwork.quality.interviews import Floats, Interviews, Ints
from survey.fieldwork.quality.kinds import WEIGHTS
from survey.fieldwork.quality.omissions import omission_flags
from survey.fieldwork.quality.overfill import overfill_flags
from survey.fieldwork.quality.pace import relative_pace, speed_flags
from survey.fieldwork.quality.points import point_flags
from survey.fieldwork.quality.reading_floor import reading_floor_flags
from survey.fieldwork.quality.straight import straight_flags

LOWEST, HIGHEST = 1.0, 10.0
"""Ends of a rating scale that declares none."""


@dataclass(frozen=True)
class Assessment:
    """What was found in N interviews: the flags by kind, and three figures of each interview."""

    flags: tuple[Flags, ...]
    risk: Ints
    """0 to 100."""
    pace: Floats
    mean_score: Floats
    """Of the scored ratings, of all where the questionnaire scores none; 0 to 100, else NaN."""


def assess(interviews: Interviews) -> Assessment:
    """Run every detector; nothing here changes an interview."""
    pace = relative_pace(interviews)
    flags = (
        speed_flags(interviews, pace),
        straight_flags(interviews),
        careless_flags(interviews),
        duplicate_flags(interviews),
        hour_flags(interviews),
        burst_flags(interviews),
        overfill_flags(interviews),
        omission_flags(interviews),
        device_flags(interviews),
        point_flags(interviews),
        reading_floor_flags(interviews),
    )
    return Assessment(flags, risk_scores(flags, len(interviews)), pace, _mean_scores(interviews))


def risk_scores(flags: tuple[Flags, ...], count: int) -> Ints:
    """100 x (1 - product over the flags of (1 - weight x strength)), rounded; shape (count,).

    Each flag is taken as an independent reason for doubt ("noisy or"): more flags never lower the
    score, and no number of weak ones reaches certainty.
    """
    trust = np.ones(count)
    for flag in flags:
        trust[flag.rows] *= 1 - WEIGHTS[flag.kind] * flag.strength
    return np.rint(100 * (1 - trust)).astype(np.int64)


def _mean_scores(interviews: Interviews) -> Floats:
    """Mean of the scored ratings, else of all, each moved from its own scale to 0 to 100."""
    items = interviews.ratings
    scored = [place for place, item in enumerate(items) if item.indicator is not None]
    scored = scored or list(range(len(items)))
    lowest = np.array([_end(items[place].minimum, LOWEST) for place in scored])
    highest = np.array([_end(items[place].maximum, HIGHEST) for place in scored])
    given = (interviews.scores[:, scored] - lowest) / (highest - lowest)
    known = np.isfinite(given)
    total = np.where(known, given, 0.0).sum(axis=1)
    count = known.sum(axis=1)
    return np.where(count > 0, 100 * total / np.maximum(count, 1), np.nan)


def _end(declared: float | None, usual: float) -> float:
    return usual if declared is None else declared
