"""Sizes of errors in points: verdicts that they could turn, changes that could be seen.

The parts of an error budget (Groves 1989) come in different units; here they become comparable. A
verdict is turned where the difference, moved by the error, would no longer be clear by the bar that
the wave itself set.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from survey.estimate.arrays import Codes, Flags, Floats
from survey.estimate.change import benjamini_hochberg
from survey.estimate.variance import t_pvalue

POWER = 0.8
"""Chance with which the smallest detectable change would be found."""


@dataclass(frozen=True)
class Differences:
    """Differences of areas from the nation that are judged together, with their errors."""

    difference: Floats
    se: Floats
    df: Floats
    is_sound: Flags
    """Areas whose difference may be called clear at all."""
    rate: float
    """False discovery rate."""

    @property
    def p(self) -> Floats:
        return self._p_of(self.difference)

    @property
    def clear(self) -> Flags:
        """Flags of differences that are called clear (Benjamini and Hochberg 1995)."""
        return np.asarray(self.is_sound & (self.p <= self.bar))

    @property
    def bar(self) -> float:
        """Largest P value that is called clear: rate x differences below it / differences."""
        p = self.p[~np.isnan(self.p)]
        adjusted = benjamini_hochberg(p, np.zeros(len(p), dtype=np.int64))
        return float(self.rate * (adjusted <= self.rate).sum() / max(len(p), 1))

    def find_turned(self, error: ArrayLike, *, is_signed: bool = False) -> Flags:
        """Return flags of clear differences that an error in points could make unclear.

        Args:
            error: of each area's difference. Unsigned it is taken towards zero; with `is_signed` it
                is taken away from the difference.

        The bar stays, so that each area is moved alone.
        """
        clear, sign = self.clear, np.sign(self.difference)
        size = np.nan_to_num(np.broadcast_to(np.asarray(error, float), sign.shape))
        moved = self.difference - size if is_signed else self.difference - sign * np.abs(size)
        stands = (np.sign(moved) == sign) & (self._p_of(moved) <= self.bar)
        return np.asarray(clear & ~stands)

    def _p_of(self, difference: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return t_pvalue(difference / self.se, self.df)


def detectable_change(
    half_width: ArrayLike, df: ArrayLike, *, level: float = 0.95, power: float = POWER
) -> Floats:
    """Return the smallest change that a test at `level` would find with `power`.

    Args:
        half_width: of the interval of the change at `level`.

    (t_{1 - alpha/2} + t_power) se; NaN without degrees of freedom.
    """
    freedom = np.asarray(df, dtype=np.float64)
    known = np.where(freedom >= 1, freedom, np.nan)
    bound = special.stdtrit(known, (1 + level) / 2)
    return np.asarray(np.asarray(half_width) * (1 + special.stdtrit(known, power) / bound))


def crossed_variance(surveyor: Codes, point: Codes) -> float:
    """Return the share of an interviewer's variance that errors between points do not hold.

    Interviews of one surveyor at one point are in the variance between points; those at different
    points are taken as independent. The sum over surveyors of m_s^2 - sum_p m_sp^2, over n^2, times
    the variance of surveyors, is what it lacks (n interviews, m_s of a surveyor, m_sp at a point).
    """
    n = len(surveyor)
    if n == 0:
        return 0.0
    own = np.bincount(np.unique(surveyor, return_inverse=True)[1]).astype(np.float64)
    pairs = np.unique(np.stack([surveyor, point]), axis=1, return_counts=True)[1]
    return float((own**2).sum() - (pairs.astype(np.float64) ** 2).sum()) / n**2
