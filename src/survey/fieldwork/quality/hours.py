"""Impossible hours: nobody is interviewed on the street at night."""

import numpy as np

from survey.fieldwork.quality.flags import Flags, rows_of
from survey.fieldwork.quality.interviews import Interviews
from survey.fieldwork.quality.kinds import FlagKind

CHINA = np.timedelta64(8, "h")
"""China has one time zone and no summer time since 1991."""
NIGHT = frozenset({0, 1, 2, 3, 4, 5})
LATE = frozenset({22, 23})
LATE_STRENGTH = 0.5
NOON = np.datetime64("2000-01-01T04:00:00", "s")
"""UTC; stands in for an hour that nobody noted."""


def hour_flags(interviews: Interviews) -> Flags:
    """Interviews begun between 22:00 and 6:00 China time; before midnight at half strength."""
    known = ~np.isnat(interviews.started)
    local = np.where(known, interviews.started, NOON) + CHINA
    minutes = ((local - local.astype("datetime64[D]")) // np.timedelta64(1, "m")).astype(np.int64)
    hour = minutes // 60
    strength = np.where(
        np.isin(hour, list(NIGHT)), 1.0, np.where(np.isin(hour, list(LATE)), LATE_STRENGTH, 0.0)
    )
    rows = rows_of(strength > 0)
    details = [{"time": f"{minutes[row] // 60:02d}:{minutes[row] % 60:02d}"} for row in rows]
    return Flags(FlagKind.HOUR, rows, strength[rows], details)
