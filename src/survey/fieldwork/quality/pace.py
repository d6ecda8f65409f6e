"""Too fast to have been asked: time for a question against the wave's own time for it."""

import warnings

import numpy as np

from survey.fieldwork.quality.flags import Flags, ramp, rows_of
from survey.fieldwork.quality.interviews import NOT_ASKED, Floats, Interviews
from survey.fieldwork.quality.kinds import FlagKind

NOTHING, FULL = 0.60, 0.33
"""Below 60 % of the usual time it begins to count; a third or less counts fully.

Greszki, Meyer and Schoen (2015), Public Opinion Quarterly 79(2), take 30 to 50 % off the median
page time as mild to strict cuts for speeding.
"""


def relative_pace(interviews: Interviews) -> Floats:
    """Median over the questions of time / the wave's median time for the same question.

    1 is usual, 0.5 twice as fast; a pause at one question changes nothing. Without times for single
    questions it is the seconds for each question asked against the wave's median of those; NaN
    where no time was kept at all. Shape (N,).
    """
    pace = _by_question(interviews)
    whole = seconds_a_question(interviews)
    usual = np.nanmedian(whole) if np.isfinite(whole).any() else np.nan
    return np.where(np.isfinite(pace), pace, whole / usual)


def seconds_a_question(interviews: Interviews) -> Floats:
    """Duration by question asked; NaN where the duration is unknown."""
    asked = (interviews.answers != NOT_ASKED).sum(axis=1)
    return np.where(asked > 0, interviews.duration / np.maximum(asked, 1), np.nan)


def speed_flags(interviews: Interviews, pace: Floats) -> Flags:
    """Interviews faster than `NOTHING`; `pace` as `relative_pace` gives it."""
    strength = ramp(pace, nothing=NOTHING, full=FULL)
    rows = rows_of(strength > 0)
    seconds = seconds_a_question(interviews)
    details = [
        {
            "percent": round(100 * float(pace[row])),
            "seconds": round(float(seconds[row]), 1) if np.isfinite(seconds[row]) else None,
        }
        for row in rows
    ]
    return Flags(FlagKind.SPEED, rows, strength[rows], details)


def _by_question(interviews: Interviews) -> Floats:
    seconds = np.where(interviews.seconds > 0, interviews.seconds, np.nan)
    with warnings.catch_warnings():
        # A question or an interview without any time is NaN, as it should be.
        warnings.simplefilter("ignore", RuntimeWarning)
        usual = np.nanmedian(seconds, axis=0)
        pace: Floats = np.nanmedian(seconds / usual, axis=1).astype(np.float64)
    return pace
