"""Interviews beyond the target of their quota cell."""

import numpy as np

from survey.fieldwork.quality.flags import Flags, ramp, rows_of
from survey.fieldwork.quality.interviews import Interviews
from survey.fieldwork.quality.kinds import FlagKind

TOLERANCE = 0.10
"""Beyond the target by so much is the ordinary course of fieldwork."""
FULL = 1.0


def overfill_flags(interviews: Interviews) -> Flags:
    """Counted interviews that came after their cell had its target and the tolerance on top."""
    number = _running_number(interviews)
    over = np.full(len(interviews), np.nan)
    np.divide(number, interviews.target, out=over, where=number > 0)
    over -= 1
    strength = ramp(over, nothing=TOLERANCE, full=FULL)
    rows = rows_of(strength > 0)
    details = [{"number": int(number[r]), "target": int(interviews.target[r])} for r in rows]
    return Flags(FlagKind.OVER_QUOTA, rows, strength[rows], details)


def _running_number(interviews: Interviews) -> np.ndarray:
    """1 for the first counted interview of a cell; 0 for those that no cell counts."""
    cell = interviews.cell.codes
    counts = interviews.counted & (cell >= 0) & (interviews.target > 0)
    rows = np.flatnonzero(counts)
    order = rows[np.argsort(cell[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(cell[order], prepend=-1))
    lengths = np.diff(np.append(starts, len(order)))
    number = np.zeros(len(interviews))
    number[order] = np.arange(len(order)) - np.repeat(starts, lengths) + 1
    return number
