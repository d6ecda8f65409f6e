"""Item non-response: questions that were asked and have no substantive answer."""

import numpy as np

from survey.fieldwork.quality.flags import Flags, ramp, rows_of
from survey.fieldwork.quality.interviews import (
    DONT_KNOW,
    MISSING,
    NOT_ASKED,
    REFUSED,
    Interviews,
)
from survey.fieldwork.quality.kinds import FlagKind

FEWEST = 10
"""Questions below which a share says nothing."""
NOTHING, FULL = 0.25, 0.60


def omission_flags(interviews: Interviews) -> Flags:
    """Interviews with more than `NOTHING` unanswered, refused or "do not know".

    "Not experienced" is an answer: somebody who buys no insurance cannot rate it.
    """
    asked = (interviews.answers != NOT_ASKED).sum(axis=1)
    without = np.isin(interviews.answers, (MISSING, DONT_KNOW, REFUSED)).sum(axis=1)
    strength = ramp(without / np.maximum(asked, 1), nothing=NOTHING, full=FULL)
    rows = rows_of((strength > 0) & (asked >= FEWEST))
    details = [{"without": int(without[row]), "asked": int(asked[row])} for row in rows]
    return Flags(FlagKind.NON_RESPONSE, rows, strength[rows], details)
