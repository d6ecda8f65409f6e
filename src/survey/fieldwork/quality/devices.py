"""One phone behind several links: somebody answers in the place of many."""

import numpy as np

from survey.fieldwork.quality.flags import Flags, ramp, rows_of
from survey.fieldwork.quality.interviews import Interviews
from survey.fieldwork.quality.kinds import FlagKind

NOTHING, FULL = 1, 5
"""Interviews on one phone: two of a household are common, from four on a person should look."""


def device_flags(interviews: Interviews) -> Flags:
    """Interviews that people answered on a phone which answered other links of the wave as well.

    Only links know a phone: what surveyors ask on their own tablet is not looked at.
    """
    device = interviews.device.codes
    known = device >= 0
    counts = np.bincount(device[known], minlength=1)
    count = np.where(known, counts[np.maximum(device, 0)], 0)
    strength = ramp(count.astype(np.float64), nothing=NOTHING, full=FULL)
    rows = rows_of(strength > 0)
    details = [{"count": int(count[row])} for row in rows]
    return Flags(FlagKind.SAME_DEVICE, rows, strength[rows], details)
