"""Careless answers: scores that go against the pattern of everybody else's."""

import numpy as np
from ier import irv, person_total

from survey.fieldwork.quality.flags import Flags, ramp, rows_of
from survey.fieldwork.quality.interviews import Interviews
from survey.fieldwork.quality.kinds import FlagKind

FEWEST = 12
"""Ratings below which a correlation says nothing."""
NOTHING, FULL = -0.25, -0.60
LEAST_SPREAD = 0.8
"""Standard deviation of a person's own scores below which the correlation is noise."""


def careless_flags(interviews: Interviews) -> Flags:
    """Interviews whose scores correlate negatively with the item means.

    Person-total correlation (Donlon and Fischer 1968, Educational and Psychological Measurement
    28; Curran 2016, Journal of Experimental Social Psychology 66), looked at only where the
    intra-individual response variability (Dunn et al. 2018, Journal of Business and Psychology 33)
    leaves something to correlate.
    """
    scores = interviews.scores
    if scores.shape[1] < FEWEST or len(interviews) < 2:
        return Flags.none(FlagKind.CARELESS)
    enough = np.isfinite(scores).sum(axis=1) >= FEWEST
    if not enough.any():
        return Flags.none(FlagKind.CARELESS)
    given = scores[:, np.isfinite(scores).any(axis=0)]
    correlation = person_total(given)
    strength = ramp(correlation, nothing=NOTHING, full=FULL)
    rows = rows_of((strength > 0) & enough & (irv(given) >= LEAST_SPREAD))
    details = [{"correlation": round(float(correlation[row]), 2)} for row in rows]
    return Flags(FlagKind.CARELESS, rows, strength[rows], details)
