"""Probability that one product is better than another in a characteristic, by what was measured.

The true values are taken as normal around the measured ones with u = U/k (JCGM 100:2008, 4.3.6 and
6.2.2), independent of each other and with nothing known before. Then the difference is normal too:

    P(a > b) = Φ((a − b) / √(u_a² + u_b²))

What both measurements have in common, such as the error of one instrument, makes it surer than is
said here.
"""

from enum import IntEnum
from itertools import pairwise
from statistics import NormalDist

from survey.comparative_tests.grading import Measurement
from survey.comparative_tests.rules import Characteristic, ClaimKind


class Direction(IntEnum):
    """Direction in which a characteristic is better."""

    MORE = 1
    LESS = -1


def find_direction(characteristic: Characteristic) -> Direction | None:
    """Return in which direction a characteristic is better; None if the rules do not say.

    By its marks where they only rise or only fall, else by its one limit, else by its claim.
    """
    marks = [point.mark for point in characteristic.points]
    if marks:
        is_rising = all(before <= after for before, after in pairwise(marks))
        is_falling = all(before >= after for before, after in pairwise(marks))
        if is_rising is is_falling:
            return None
        return Direction.MORE if is_rising else Direction.LESS
    lower, upper = characteristic.lower, characteristic.upper
    if (lower is None) is not (upper is None):
        return Direction.LESS if lower is None else Direction.MORE
    by_claim = {ClaimKind.AT_LEAST: Direction.MORE, ClaimKind.AT_MOST: Direction.LESS}
    return by_claim.get(characteristic.claim) if characteristic.claim else None


def compute_probability_better(
    one: Measurement, other: Measurement, direction: Direction
) -> float | None:
    """Return the probability (0 to 1) that `one` is better than `other`.

    None where an uncertainty is missing, a value does not apply or was not detected.
    """
    if not all(each.is_applicable and not each.is_below for each in (one, other)):
        return None
    if not one.uncertainty or not other.uncertainty:
        return None
    variance = sum(
        (each.uncertainty / each.coverage) ** 2
        for each in (one, other)
        if each.uncertainty and each.coverage
    )
    difference = direction * (one.value - other.value)
    return NormalDist().cdf(float(difference) / float(variance) ** 0.5)
