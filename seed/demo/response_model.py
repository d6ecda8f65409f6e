"""From the latent satisfaction to an answer of 1 to 10, and what to expect of it.

The latent value lives on the 0-100 scale. Nine cuts divide it; they are not quite even, because
people like to say 5, 8 and 10. The expectation is exact: a sum of normal probabilities.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

Floats = npt.NDArray[np.float64]

CUTS = np.array([5.5, 16.5, 27.5, 37.0, 51.0, 61.5, 70.5, 84.0, 92.0])
"""A latent value above the j-th cut scores more than j."""
STEP = 100 / 9
_GRID = np.linspace(-80.0, 230.0, 3101)

PERSON_SD = 16.5
ITEM_SD = 14.0
POINT_SD = 1.5
SURVEYOR_SD = 0.5
VISIT_SD = 1.0
"""Of one surveyor at one point: most of an interviewer effect lies in place and day."""
LASTING_POINT = 0.6
"""Share of a sampling point's variance that is the same in every wave."""


@dataclass(frozen=True)
class ResponseCurve:
    """Expected score, 0-100, as a function of the mean of the latent value."""

    means: Floats
    slopes: Floats

    def expected(self, latent: Floats) -> Floats:
        return np.interp(latent, _GRID, self.means)

    def slope(self, latent: Floats) -> Floats:
        """Points of expected score that one more point of latent mean brings."""
        return np.interp(latent, _GRID, self.slopes)

    def latent(self, expected: Floats) -> Floats:
        """The inverse of `expected`."""
        return np.interp(expected, self.means, _GRID)


@lru_cache(maxsize=16)
def response(own: float) -> ResponseCurve:
    """The response of an item whose own noise is `own` times the usual one."""
    sd = np.sqrt(PERSON_SD**2 + (own * ITEM_SD) ** 2 + POINT_SD**2 + SURVEYOR_SD**2 + VISIT_SD**2)
    means = STEP * ndtr((_GRID[:, None] - CUTS) / sd).sum(axis=1)
    return ResponseCurve(means, np.gradient(means, _GRID))


def answers(latent: npt.NDArray[np.float32]) -> npt.NDArray[np.int8]:
    """The scores of 1 to 10 that latent values turn into."""
    scores: npt.NDArray[np.int8] = np.searchsorted(CUTS.astype(np.float32), latent).astype(np.int8)
    return scores + np.int8(1)
