"""Interviewer effect and the interval of a rate; pure functions."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy import special

from survey.estimate.arrays import Floats
from survey.estimate.intervals import is_error_silent

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class InterviewerEffect:
    """Share of the variance that lies between surveyors, and the design effect that it causes."""

    icc: float
    """Intra-class correlation, estimated; may fall below 0 by chance."""
    deff: float
    """1 + (mean workload - 1) x max(icc, 0)."""
    surveyors: int
    interviews: int


@dataclass(frozen=True)
class SurveyorSums:
    """Sums of squares of surveyors in strata; those of other strata add up to them."""

    between: float
    within: float
    surveyors: float
    interviews: float
    strata: float
    spread: float
    """N - sum over strata of sum m^2 / N_stratum, m the interviews of a surveyor."""

    @classmethod
    def collect(cls, values: Floats, surveyor: Ints, stratum: Ints | None = None) -> "SurveyorSums":
        """Sum `values` (n,) by surveyor within strata; rows with NaN are left out."""
        known = np.isfinite(values)
        y, who = values[known], surveyor[known]
        where = np.zeros(len(y), dtype=np.int64) if stratum is None else stratum[known]
        pairs, own = np.unique(np.stack([where, who], axis=1), axis=0, return_inverse=True)
        own = own.reshape(-1)
        strata, inside = np.unique(pairs[:, 0], return_inverse=True)
        n, k = len(y), len(pairs)
        size = np.bincount(own, minlength=k).astype(np.float64)
        mean = np.bincount(own, weights=y, minlength=k) / size
        whole = np.bincount(inside, weights=size)
        centre = np.bincount(inside, weights=size * mean) / whole
        squares = np.array(
            [(size * (mean - centre[inside]) ** 2).sum(), ((y - mean[own]) ** 2).sum()]
        )
        # Means of equal values differ from them by rounding, which is not between anybody.
        squares[is_error_silent(np.sqrt(squares), np.sqrt(y @ y))] = 0.0
        return cls(
            between=float(squares[0]),
            within=float(squares[1]),
            surveyors=k,
            interviews=n,
            strata=len(strata),
            spread=n - float((size**2 / whole[inside]).sum()),
        )

    def effect(self) -> InterviewerEffect | None:
        """Return the surveyors' effect, see `interviewer_effect`; None if not estimable."""
        n, k, free = self.interviews, self.surveyors, self.surveyors - self.strata
        if free < 1 or n <= k:
            return None
        between, within = self.between / free, self.within / (n - k)
        total = between + (self.spread / free - 1) * within
        if total <= 0:
            return None
        icc = (between - within) / total
        return InterviewerEffect(icc, 1 + (n / k - 1) * max(icc, 0.0), int(k), int(n))


def interviewer_effect(
    values: Floats, surveyor: Ints, stratum: Ints | None = None
) -> InterviewerEffect | None:
    """Estimate the surveyors' share of the variance of `values` in strata; None if not estimable.

    The one-way analysis-of-variance estimator: icc = (MSB - MSW) / (MSB + (m0 - 1) MSW) with
    m0 = (N - sum over strata of sum m^2 / N_stratum) / (k - strata), m the interviews of each of k
    surveyors. Kish (1962), Journal of the American Statistical Association 57, 92-115 (design
    effect); Donner and Koval (1980), Biometrics 36, 19-25 (unequal m).

    Surveyors who each have their own points cannot be told from them: the figure is the effect of
    both together. Rows with NaN are left out. None when fewer than two surveyors of one stratum, or
    fewer interviews than surveyors plus one, or no variance.
    """
    return SurveyorSums.collect(values, surveyor, stratum).effect()


def wilson(successes: int, trials: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return low and high of Wilson's interval of successes / trials; (0, 1) without trials.

    Wilson (1927), Journal of the American Statistical Association 22, 209-212.
    """
    if trials == 0:
        return 0.0, 1.0
    z = float(special.ndtri(0.5 + level / 2))
    share = successes / trials
    spread = z * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    middle = share + z * z / (2 * trials)
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
