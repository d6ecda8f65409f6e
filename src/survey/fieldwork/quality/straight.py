"""Straight-lining: one score nearly throughout."""

import numpy as np
from ier import longstring_scores

from survey.fieldwork.quality.flags import Flags, ramp, rows_of
from survey.fieldwork.quality.interviews import Floats, Interviews
from survey.fieldwork.quality.kinds import FlagKind

FEWEST = 8
"""Ratings below which one score throughout says nothing."""
NOTHING, FULL = 0.80, 0.97
LONG_RUN = 0.40
"""Share of the ratings that one unbroken run must cover as well."""


def straight_flags(interviews: Interviews) -> Flags:
    """Interviews in which one score covers more than `NOTHING` of the ratings.

    Two indices have to agree: the share of the most frequent score, which one slip hardly moves,
    and the longest unbroken run of one score ("longstring": Johnson 2005, Journal of Research in
    Personality 39; Meade and Craig 2012, Psychological Methods 17).
    """
    scores = interviews.scores
    if scores.shape[1] < FEWEST or not len(interviews):
        return Flags.none(FlagKind.STRAIGHT_LINING)
    rated = np.isfinite(scores).sum(axis=1)
    score, same = _most_frequent(scores)
    share = same / np.maximum(rated, 1)
    strength = ramp(share, nothing=NOTHING, full=FULL)
    run = longstring_scores(scores) / np.maximum(rated, 1)
    rows = rows_of((strength > 0) & (rated >= FEWEST) & (run >= LONG_RUN))
    details = [
        {"same": int(same[row]), "rated": int(rated[row]), "score": f"{score[row]:g}"}
        for row in rows
    ]
    return Flags(FlagKind.STRAIGHT_LINING, rows, strength[rows], details)


def _most_frequent(scores: Floats) -> tuple[Floats, Floats]:
    """Most frequent score of each row (the lowest of several) and how often it was given."""
    values = np.unique(scores[np.isfinite(scores)])
    if not len(values):
        return np.full(len(scores), np.nan), np.zeros(len(scores))
    counts = np.stack([(scores == value).sum(axis=1) for value in values], axis=1)
    best = counts.argmax(axis=1)
    return values[best], counts[np.arange(len(scores)), best].astype(np.float64)
