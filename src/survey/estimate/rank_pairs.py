"""Pairs of units that a sample tells apart, by the largest difference over a set of pairs."""

from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np

from survey.estimate.arrays import Codes, Flags, Floats, ratio

COLUMN_BATCH_SIZE = 2_000
PILOT_DRAWS = 400
"""Draws that are looked at as a whole, to know where the quantile is about."""
MAX_DF = 1_000.0
"""Largest degrees of freedom of a pair; beyond it t is all but normal."""
_BELOW = (0.05, 0.2, 0.5)
"""Steps below the pilot's quantile at which the search starts and goes on."""
_SLACK = 1e-4
"""Relative; more than single precision may round away."""


class RankPairs(ABC):
    """Ordered pairs of units (such as cities): which unit is significantly above which.

    Of fifty million differences only those matter that may reach the quantile of the largest. With
    t_i the error of a unit over its own standard error, the square of a standardised difference is
    at most t_i² + t_j² where the signs differ and at most the larger of the two where they do not:
    a pair needs a unit whose own error is large, and few are.
    """

    def __init__(self, x: Floats, standard: Floats | None, level: float, step_down: bool) -> None:
        """Prepare pairs of estimates `x`; `standard`: errors over se, None if correlated."""
        self._difference = x[:, None] - x
        self._level, self._step_down = level, step_down
        self._standard = standard
        self.critical = np.inf
        """Critical value of the last decision."""

    @property
    @abstractmethod
    def draws(self) -> int:
        """Number of random draws of the errors."""

    @abstractmethod
    def exceeds(self, critical: float) -> Flags:
        """Return flags [i, j]: the standardised difference of i from j exceeds `critical`."""

    @abstractmethod
    def needed(self, critical: float) -> Floats:
        """Return each unit's least t_i² + t_j² at which a pair's difference reaches `critical`."""

    @abstractmethod
    def standardised(self, draws: Codes, units: Codes) -> np.ndarray:
        """Return standardised errors of units[k] less every unit, in draws[k], a row for each k.

        Only the sign and the order of the differences matter.
        """

    def count_simultaneously(self) -> tuple[Codes, Codes]:
        """Count units significantly above and below each unit, all pairs tested jointly."""
        p = len(self._difference)
        above = self._decide(~np.eye(p, dtype=np.bool_), np.arange(p))
        return above.sum(axis=0), above.sum(axis=1)

    def count_unit_by_unit(self) -> tuple[Codes, Codes]:
        """Count units significantly above and below each unit, each unit tested by itself."""
        p = len(self._difference)
        above, below = np.zeros(p, dtype=np.intp), np.zeros(p, dtype=np.intp)
        for i in range(p):
            pairs = np.zeros((p, p), dtype=np.bool_)
            pairs[i], pairs[:, i], pairs[i, i] = True, True, False
            decided = self._decide(pairs, np.array([i]))
            above[i], below[i] = decided[:, i].sum(), decided[i].sum()
        return above, below

    def _decide(self, pairs: Flags, units: Codes) -> Flags:
        """Return flags [i, j], i significantly above j, of flagged `pairs` with `units`."""
        above = np.zeros_like(pairs)
        search = _LargestDifferenceSearch(self, units, pairs, self._level) if pairs.any() else None
        while search is not None and pairs.any():
            self.critical = float(np.quantile(search.max_differences(pairs), self._level))
            decided = pairs & self.exceeds(self.critical)
            above |= decided
            pairs = pairs & ~decided
            if not (self._step_down and decided.any()):
                break
        return above

    @cached_property
    def _extremes(self) -> tuple[Floats, Floats]:
        """Largest squared error of each draw among positive ones, and among negative ones."""
        t = np.zeros((self.draws, 1)) if self._standard is None else self._standard
        return t.max(axis=1, initial=0) ** 2, t.min(axis=1, initial=0) ** 2

    def max_pair_bound(self, units: Codes) -> Floats:
        """Return, draws × units, an upper bound of t_i² + t_j² over each unit's pairs.

        With all units it holds for the pairs in which the unit has the larger error.
        """
        if self._standard is None:
            return np.full((self.draws, len(units)), np.inf)
        high, low = (extreme[:, None] for extreme in self._extremes)
        t = self._standard[:, units]
        own, opposite = t**2, np.where(t > 0, low, high)
        if len(units) == len(self._difference):
            return np.asarray(own + np.minimum(own, opposite))
        return np.asarray(np.maximum(own + opposite, np.maximum(high, low)))

    def max_over_pairs(self, draws: Codes, units: Codes, pairs: Flags) -> Floats:
        """Return each draw's largest standardised difference among flagged `pairs` with `units`."""
        largest = np.full(self.draws, -np.inf)
        upward, downward = np.where(pairs, 0.0, np.inf), np.where(pairs.T, 0.0, np.inf)
        for start in range(0, len(draws), COLUMN_BATCH_SIZE):
            part = slice(start, start + COLUMN_BATCH_SIZE)
            scaled = self.standardised(draws[part], units[part])
            best = (scaled - upward[units[part]]).max(axis=1)
            np.negative(scaled, out=scaled)
            scaled -= downward[units[part]]
            np.maximum.at(largest, draws[part], np.maximum(best, scaled.max(axis=1)))
        return largest


class _LargestDifferenceSearch:
    """Search for each draw's largest standardised difference, exact only near the quantile."""

    def __init__(self, pairs: RankPairs, units: Codes, open_pairs: Flags, level: float) -> None:
        self._pairs, self._units, self._level = pairs, units, level
        self._pair_bound = pairs.max_pair_bound(units)
        self._floors = [*self._estimate_floors(open_pairs), -np.inf]
        self._looked_at = self._find_candidates()

    def max_differences(self, open_pairs: Flags) -> Floats:
        """Return each draw's largest difference over flagged pairs; -inf if too small.

        Over fewer pairs than the last time it is no larger.
        """
        draws = self._pairs.draws
        needed = draws - int((draws - 1) * self._level)
        while True:
            largest = self._pairs.max_over_pairs(*self._looked_at, open_pairs)
            largest[largest < self._floors[0]] = -np.inf
            if len(self._floors) == 1 or np.count_nonzero(largest > -np.inf) >= needed:
                return largest
            self._floors.pop(0)
            self._looked_at = self._find_candidates()

    def _find_candidates(self) -> tuple[Codes, Codes]:
        """Return (draws, units) whose differences may reach the current floor."""
        floor = self._floors[0]
        needed = self._pairs.needed(floor)[self._units] * (1 - _SLACK) if floor > 0 else -np.inf
        draw, unit = np.nonzero(self._pair_bound >= needed)
        return draw, self._units[unit]

    def _estimate_floors(self, open_pairs: Flags) -> list[float]:
        """Return lower limits of the search from some draws, the first just below the quantile."""
        first = np.arange(min(PILOT_DRAWS, self._pairs.draws))
        units = self._units
        largest = self._pairs.max_over_pairs(
            np.repeat(first, len(units)), np.tile(units, len(first)), open_pairs
        )
        starts = [max(self._level - below, 0.0) for below in _BELOW]
        return [float(value) for value in np.quantile(largest[first], starts)]


class KnownErrors(RankPairs):
    """Pairs of units whose differences are standardised by known errors."""

    def __init__(
        self,
        x: Floats,
        noise: Floats,
        deviation: Floats,
        standard: Floats | None,
        level: float,
        step_down: bool,
    ) -> None:
        """Prepare pairs of `x`; `noise`: drawn errors, `deviation`: se of differences."""
        super().__init__(x, standard, level, step_down)
        self._noise, self._deviation = noise, deviation
        self._inverse = ratio(np.ones(1), deviation)

    @property
    def draws(self) -> int:
        return len(self._noise)

    def exceeds(self, critical: float) -> Flags:
        return np.asarray(self._difference - self._deviation * critical > 0)

    def needed(self, critical: float) -> Floats:
        return np.full(len(self._difference), critical**2)

    def standardised(self, draws: Codes, units: Codes) -> np.ndarray:
        scaled = self._noise[draws, units][:, None] - self._noise[draws]
        scaled *= self._inverse[units]
        return np.asarray(scaled)


class EstimatedErrors(RankPairs):
    """Pairs whose differences are standardised by estimated errors with degrees of freedom.

    Every draw has errors and, apart from them, error variances of its own, as another sample would
    have. A difference d with variance V = v_i + v_j is Welch's t, with the degrees of freedom
    1/k, k = (v_i²/df_i + v_j²/df_j)/V² (Satterthwaite 1946); it is compared after Wallace's (1959)
    transformation to a normal deviate, log(1 + k d²/V) / (k(1 + k/2)) for its square, so that no
    pair counts for more than another because its variance is less known. As variances are drawn
    again, the quantile is right however good these two approximations are.
    """

    def __init__(
        self,
        x: Floats,
        se: Floats,
        df: Floats,
        noise: Floats,
        scale: Floats,
        level: float,
        step_down: bool,
    ) -> None:
        """Prepare pairs of `x` by drawn errors `noise` and `scale` (drawn over own variance).

        `scale` is the drawn over the estimated variance.
        """
        variance = se**2 * scale
        standard = ratio(np.abs(noise), np.sqrt(variance)) * np.sign(noise)
        super().__init__(x, standard, level, step_down)
        self._df, self._observed = df, deviate_squares(x, se, df)
        self._noise, self._variance, self._share = (
            values.astype(np.float32) for values in (noise, variance, variance**2 / df)
        )

    @property
    def draws(self) -> int:
        return len(self._noise)

    def exceeds(self, critical: float) -> Flags:
        return np.asarray(self._observed > critical)

    def needed(self, critical: float) -> Floats:
        """Return each unit's least t_i² + t_j² (squared errors) for a pair to reach `critical`.

        The square grows with degrees of freedom, of which a pair has at most the sum.
        """
        inverse = np.maximum(1 / (self._df + self._df.max()), 1 / MAX_DF)
        return np.asarray(np.expm1(critical * inverse * (1 + inverse / 2)) / inverse)

    def standardised(self, draws: Codes, units: Codes) -> np.ndarray:
        difference = self._noise[draws, units][:, None] - self._noise[draws]
        variance, share = (
            values[draws, units][:, None] + values[draws]
            for values in (self._variance, self._share)
        )
        return _compute_signed_square(difference, variance, share)


def deviate_squares(x: Floats, se: Floats, df: Floats) -> Floats:
    """Return all differences of `x`, row less column, as signed squares of normal deviates.

    See `EstimatedErrors`: the square of the deviate that is as improbable, with the sign of the
    difference.
    """
    variance, difference = se**2, x[:, None] - x
    share = variance**2 / df
    return _compute_signed_square(difference, variance + variance[:, None], share + share[:, None])


def _compute_signed_square(
    difference: np.ndarray, variance: np.ndarray, share: np.ndarray
) -> np.ndarray:
    """Return a difference as signed square of a normal deviate; `share` is v_i²/df_i + v_j²/df_j.

    Without a variance any difference is infinitely clear.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        k = np.fmax(share / variance**2, 1 / MAX_DF)
        square = np.log(1 + k * difference**2 / variance) / (k * (1 + k / 2))
    return np.asarray(np.copysign(np.where(difference == 0, 0, square), difference))
