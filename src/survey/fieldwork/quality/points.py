"""Out of point: not on the days of the sampling point, or by somebody who does not work there.

No position is collected, so days and assignments are all that can tell.
"""

from typing import Any

import numpy as np

from survey.fieldwork.quality.flags import Flags, rows_of
from survey.fieldwork.quality.interviews import Interviews
from survey.fieldwork.quality.kinds import FlagKind

ONE_DAY = 0.7
"""Strength one day off: worth a look, since a visit may have been moved by a day."""


def point_flags(interviews: Interviews) -> Flags:
    """Interviews held before the first or after the last day of their point, or by a surveyor who
    is not assigned to it although others are."""
    off = np.abs(interviews.days_off)
    strength = np.where(off >= 2, 1.0, np.where(off == 1, ONE_DAY, 0.0))
    strength = np.where(interviews.assigned, strength, 1.0)
    rows = rows_of(strength > 0)
    return Flags(
        FlagKind.OUT_OF_POINT, rows, strength[rows], [_detail(interviews, row) for row in rows]
    )


def _detail(interviews: Interviews, row: int) -> dict[str, Any]:
    off = int(interviews.days_off[row])
    if not off:
        return {"why": "unassigned"}
    day = str(interviews.day[row])
    return {"why": "before" if off < 0 else "after", "days": abs(off), "day": day}
