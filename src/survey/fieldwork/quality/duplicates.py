"""Near-duplicates: an interview that repeats an earlier one of the same city."""

from collections.abc import Iterator

import numpy as np

from survey.fieldwork.quality.flags import Flags, ramp, rows_of
from survey.fieldwork.quality.interviews import MISSING, Codes, Floats, Interviews, Ints
from survey.fieldwork.quality.kinds import FlagKind

FEWEST = 20
"""Answers below which two people may well agree in all of them."""
NOTHING, FULL = 0.84, 0.94
"""Share of equal answers within one surveyor.

Kuriakose and Robbins (2016), Statistical Journal of the IAOS 32, take 85 %; Simmons et al. (2016,
Pew Research Center) show that honest interviews pass it where questions are few or alike, so it
only begins to count there.
"""
OTHER_SURVEYOR = 0.06
"""So much more has to be equal when the two surveyors differ."""
_BLOCK = 128


def duplicate_flags(interviews: Interviews) -> Flags:
    """The later one of two interviews of a city that agree in more than `NOTHING` of the answers.

    Agreement is the number of equal answers over the number of answers of the fuller interview.
    Pairs are looked at within a city only.
    """
    agreement, earlier, same = _closest(interviews)
    strength = ramp(agreement - np.where(same, 0.0, OTHER_SURVEYOR), nothing=NOTHING, full=FULL)
    rows = rows_of(strength > 0)
    details = [
        {
            "percent": int(100 * agreement[row]),
            "of": str(interviews.ids[earlier[row]]),
            "same_surveyor": bool(same[row]),
        }
        for row in rows
    ]
    return Flags(FlagKind.NEAR_DUPLICATE, rows, strength[rows], details)


def _closest(interviews: Interviews) -> tuple[Floats, Ints, np.ndarray]:
    """Of each interview: agreement with the closest earlier one of its city, its row, same hands.

    Agreement is 0 and the row -1 where there is none to compare with.
    """
    count = len(interviews)
    agreement, earlier = np.zeros(count), np.full(count, -1)
    same = np.zeros(count, dtype=np.bool_)
    surveyor = interviews.surveyor.codes
    for rows in _cities(interviews):
        own = surveyor[rows]
        for first, shares in _blocks(interviews.answers[rows]):
            here = np.arange(first, first + len(shares))
            hands = (own[here, None] == own[None, : shares.shape[1]]) & (own[here, None] >= 0)
            best = np.argmax(shares - np.where(hands, 0.0, OTHER_SURVEYOR), axis=1)
            at = np.arange(len(here))
            agreement[rows[here]] = shares[at, best]
            has_match = shares[at, best] > 0
            earlier[rows[here]] = np.where(has_match, rows[best], -1)
            same[rows[here]] = has_match & hands[at, best]
    return agreement, earlier, same


def _cities(interviews: Interviews) -> Iterator[Ints]:
    """Rows of each city in the order of receipt."""
    codes = interviews.city.codes
    order = np.argsort(codes, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)


def _blocks(answers: Codes) -> Iterator[tuple[int, Floats]]:
    """First row of a block and the agreement of its rows with all earlier ones (0 elsewhere)."""
    given = (answers != 0) & (answers != MISSING)
    size = given.sum(axis=1)
    left = np.ascontiguousarray(np.where(given, answers, 0).T)
    right = np.ascontiguousarray(np.where(given, answers, MISSING).T)
    for first in range(0, len(answers), _BLOCK):
        last = min(first + _BLOCK, len(answers))
        equal = np.zeros((last - first, last), dtype=np.uint16)
        for ours, theirs in zip(left, right, strict=True):
            equal += ours[first:last, None] == theirs[None, :last]
        fuller = np.maximum(size[first:last, None], size[None, :last])
        shares = equal / np.maximum(fuller, 1)
        shares[fuller < FEWEST] = 0.0
        shares[np.arange(first, last)[:, None] <= np.arange(last)[None, :]] = 0.0
        yield first, shares
