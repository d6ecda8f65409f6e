"""Confidence sets for ranks: which places in a ranking the sample really tells apart."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from survey.estimate.arrays import Codes, Flags, Floats, ratio
from survey.estimate.engine import ROUNDING
from survey.estimate.errors import EstimateError
from survey.estimate.tree import Node, Tree

DRAWS_AT_ONCE = 1_000


def rank_sets(
    estimate: pd.Series | npt.ArrayLike,
    se: pd.Series | npt.ArrayLike,
    *,
    covariance: npt.ArrayLike | None = None,
    level: float = 0.95,
    simultaneous: bool = True,
    step_down: bool = True,
    draws: int = 10_000,
    seed: int = 0,
    normal_draws: npt.ArrayLike | None = None,
) -> pd.DataFrame:
    """Rank of each unit, 1 for the largest estimate, with a confidence set [low, high].

    Args:
        estimate, se: one value per unit (p units); a Series gives the result its index.
        covariance: of the estimates (p, p); independent with variances se² unless given.
        simultaneous: one set for all ranks together; otherwise one for each rank by itself.
        step_down: sharpen by leaving out differences already found and drawing no new ones.
        draws, seed: standard normal draws, of `numpy.random.default_rng(seed)`.
        normal_draws: standard normals (draws, p) to use instead; multiplied by se, or by the
            transposed Cholesky factor of `covariance`.

    Returns:
        rank (1 + number of larger estimates: ties share the better rank), low, high. `attrs`
        records level, draws and seed, and for simultaneous sets the last critical value: i is
        surely above j if and only if their difference exceeds it times the error of the difference.

    Raises:
        EstimateError: missing values, or shapes that do not agree.

    Source: Mogstad, Romano, Shaikh and Wilhelm (2024), Review of Economic Studies 91. Set of j =
    [1 + units surely above, p - units surely below]; "surely" by the level quantile of the largest
    standardised difference over ordered pairs. As R `csranks(cstype="two-sided")`.
    """
    x = _vector("estimate", estimate)
    spread = _vector("se", se)
    if len(spread) != len(x):
        raise EstimateError("shape", name="se", found=spread.shape, expected=x.shape)
    noise, deviation = _noise(spread, covariance, draws, seed, normal_draws)
    standard = None if covariance is not None else ratio(noise, spread[:, None])
    pairs = _Pairs(x, noise, deviation, standard, level, step_down)
    above, below = pairs.counts_together() if simultaneous else pairs.counts_one_by_one()
    table = pd.DataFrame(
        {
            "rank": 1 + (x > x[:, None]).sum(axis=1),
            "low": 1 + above,
            "high": len(x) - below,
        },
        index=estimate.index if isinstance(estimate, pd.Series) else None,
    )
    table.attrs |= {
        "level": level,
        "draws": noise.shape[1],
        "seed": None if normal_draws is not None else seed,
    }
    if simultaneous:
        table.attrs["critical"] = pairs.critical
    return table


def top_probability(
    estimate: pd.Series,
    se: pd.Series | npt.ArrayLike,
    *,
    top: int = 10,
    covariance: npt.ArrayLike | None = None,
    draws: int = 10_000,
    seed: int = 0,
    normal_draws: npt.ArrayLike | None = None,
) -> pd.Series:
    """Probability that each unit is among the `top` largest, by the draws of `rank_sets`.

    Each draw adds errors to the estimates; the share of draws in which a unit ranks within `top`.
    """
    x = _vector("estimate", estimate)
    noise, _ = _noise(_vector("se", se), covariance, draws, seed, normal_draws)
    drawn = x[:, None] + noise
    floor = -np.partition(-drawn, min(top, len(x)) - 1, axis=0)[min(top, len(x)) - 1]
    return pd.Series((drawn >= floor).mean(axis=1), index=estimate.index, name="top_probability")


def rank_sensitivity(
    scores: pd.DataFrame,
    weights: pd.Series,
    *,
    spread: float = 0.2,
    draws: int = 1_000,
    seed: int = 0,
    level: float = 0.95,
    weight_draws: npt.ArrayLike | None = None,
) -> pd.DataFrame:
    """How far ranks move when the indicator weights do.

    Args:
        scores: units × indicators.
        weights: one per indicator, summing to 1.
        spread: relative standard deviation of the weights. They are drawn from a Dirichlet
            distribution about `weights` whose relative variance, averaged by weight, is spread².
        weight_draws: weights (draws, indicators) to use instead, such as those of `tree_draws`.

    Returns:
        rank under `weights`, and low and high, the central `level` of ranks over the draws.
    """
    shares = weights.reindex(scores.columns)
    if missing := int(shares.isna().sum()) or int(scores.isna().to_numpy().sum()):
        raise EstimateError("missing_value", name="scores or weights", count=missing)
    if weight_draws is None:
        drawn = dirichlet_weights(shares.to_numpy(), spread, draws, np.random.default_rng(seed))
    else:
        drawn = np.asarray(weight_draws, dtype=np.float64)
    if drawn.ndim != 2 or drawn.shape[1] != len(shares):
        raise EstimateError(
            "shape", name="weight_draws", found=drawn.shape, expected=("draws", len(shares))
        )
    ranks = (-(scores.to_numpy() @ drawn.T)).argsort(axis=0).argsort(axis=0) + 1
    low, high = np.quantile(ranks, [(1 - level) / 2, (1 + level) / 2], axis=1, method="nearest")
    central = pd.Series(scores.to_numpy() @ shares.to_numpy(), index=scores.index)
    rank = central.rank(ascending=False, method="min").astype(np.int64)
    return pd.DataFrame({"rank": rank, "low": low, "high": high})


def tree_draws(
    tree: Tree, *, spread: float = 0.2, draws: int = 1_000, seed: int = 0
) -> pd.DataFrame:
    """Weights of a tree in the composite when the weights under every parent move.

    Each family is drawn by itself, as `rank_sensitivity` draws one set of weights, and multiplied
    down the tree. Returns draws × indicators that have items of their own.
    """
    rng = np.random.default_rng(seed)
    drawn: dict[str | None, Floats] = {None: np.ones(draws)}
    families: dict[str | None, list[Node]] = {}
    for node in sorted(tree.nodes, key=lambda node: node.level):
        families.setdefault(node.parent, []).append(node)
    for parent, children in families.items():
        shares = np.array([child.weight for child in children])
        moved = dirichlet_weights(shares, spread, draws, rng)
        for child, weight in zip(children, moved.T, strict=True):
            drawn[child.code] = drawn[parent] * weight
    fed = set(tree.feeds.values())
    return pd.DataFrame({code: drawn[code] for code in tree.codes if code in fed})


def dirichlet_weights(
    weights: Floats, spread: float, draws: int, rng: np.random.Generator
) -> Floats:
    """Draws (draws, k) about `weights` (k,) whose relative variance, averaged by weight, is
    spread²; a single weight stays as it is."""
    if len(weights) == 1:
        return np.broadcast_to(weights, (draws, 1))
    concentration = max((len(weights) - 1) / spread**2 - 1, 1.0)
    return rng.dirichlet(weights * concentration, size=draws)


def _vector(name: str, values: pd.Series | npt.ArrayLike) -> Floats:
    vector = np.asarray(values, dtype=np.float64)
    if missing := int(np.isnan(vector).sum()):
        raise EstimateError("missing_value", name=name, count=missing)
    return vector


def _noise(
    se: Floats,
    covariance: npt.ArrayLike | None,
    draws: int,
    seed: int,
    normal_draws: npt.ArrayLike | None,
) -> tuple[Floats, Floats]:
    """Draws of the estimates' errors (p, draws), and the errors of differences (p, p)."""
    p = len(se)
    if normal_draws is None:
        standard = np.random.default_rng(seed).standard_normal((draws, p))
    else:
        standard = np.asarray(normal_draws, dtype=np.float64)
        if standard.ndim != 2 or standard.shape[1] != p:
            raise EstimateError(
                "shape", name="normal_draws", found=standard.shape, expected=("draws", p)
            )
    if covariance is None:
        return np.ascontiguousarray((standard * se).T), np.hypot(se, se[:, None])
    sigma = np.asarray(covariance, dtype=np.float64)
    if sigma.shape != (p, p):
        raise EstimateError("shape", name="covariance", found=sigma.shape, expected=(p, p))
    variance = np.diag(sigma)
    deviation = np.sqrt(np.maximum(variance + variance[:, None] - 2 * sigma, 0))
    return _root(sigma) @ standard.T, deviation


def _root(sigma: Floats) -> Floats:
    """Lower Cholesky factor, or, of a singular matrix, its symmetric root."""
    try:
        return np.asarray(np.linalg.cholesky(sigma), dtype=np.float64)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(sigma)
        return np.asarray((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T)


Family = Sequence[tuple[int, Codes]]
"""Pairs to decide on: a unit and its partners, in both directions."""


class _Pairs:
    """Ordered pairs of units, and the largest standardised difference over any set of them.

    Of the draws only those matter whose largest difference may reach the quantile. Independent
    standard errors z give each draw a ceiling: |z_i s_i - z_j s_j| is at most the error of the
    difference times √(z_i² + z_j²) where the signs differ, times max(|z_i|, |z_j|) where they do
    not. Draws are looked at from the highest ceiling down, until no further one can matter.
    """

    def __init__(
        self,
        x: Floats,
        noise: Floats,
        deviation: Floats,
        standard: Floats | None,
        level: float,
        step_down: bool,
    ) -> None:
        self._noise, self._deviation, self._standard = noise, deviation, standard
        self._by_draw = np.ascontiguousarray(noise.T)  # draws are picked a thousand at a time
        self._difference = x[:, None] - x
        self._inverse = ratio(np.ones(1), deviation)
        self._level, self._step_down = level, step_down
        self.critical = np.inf
        """Of the last decision."""

    def counts_together(self) -> tuple[Codes, Codes]:
        """Units surely above and surely below each unit, all pairs decided together."""
        p = len(self._difference)
        above = self._decide([(i, np.arange(i + 1, p)) for i in range(p - 1)], self._ceiling())
        return above.sum(axis=0), above.sum(axis=1)

    def counts_one_by_one(self) -> tuple[Codes, Codes]:
        """The same, the pairs of each unit decided by themselves."""
        p = len(self._difference)
        decided = [
            self._decide([(i, np.delete(np.arange(p), i))], self._ceiling(i)) for i in range(p)
        ]
        return (
            np.array([above[:, i].sum() for i, above in enumerate(decided)], dtype=np.intp),
            np.array([above[i].sum() for i, above in enumerate(decided)], dtype=np.intp),
        )

    def _ceiling(self, unit: int | None = None) -> Floats:
        """No standardised difference (of `unit` to others) exceeds it, for each draw."""
        if self._standard is None:
            return np.full(self._noise.shape[1], np.inf)
        highest, lowest = self._extremes
        if unit is None:
            reach = np.hypot(highest, lowest)
        else:
            own = self._standard[unit]
            opposite = np.where(own > 0, lowest, highest)
            reach = np.maximum(np.hypot(own, opposite), np.maximum(highest, -lowest))
        return np.asarray(reach * (1 + ROUNDING))

    @cached_property
    def _extremes(self) -> tuple[Floats, Floats]:
        """Largest standard error of each draw that is not negative, smallest not positive."""
        standard = self._noise if self._standard is None else self._standard
        return standard.max(axis=0, initial=0), standard.min(axis=0, initial=0)

    def _decide(self, family: Family, ceiling: Floats) -> Flags:
        """above[i, j]: i is surely above j."""
        above = np.zeros_like(self._difference, dtype=np.bool_)
        open_pairs = np.zeros_like(above)
        for i, partners in family:
            open_pairs[i, partners] = open_pairs[partners, i] = True
        if not open_pairs.any():
            return above
        search = _Search(ceiling.copy(), self._level)
        every: Flags | None = None
        while True:
            while len(draws := search.next_draws()):
                search.enter(draws, *self._largest(family, every, draws))
            self.critical = float(np.quantile(search.largest, self._level))
            found = open_pairs & (self._difference - self._deviation * self.critical > 0)
            above |= found
            open_pairs &= ~found
            if not (self._step_down and found.any() and open_pairs.any()):
                return above
            every = open_pairs
            known = search.known
            if len(family) > 1:
                unit, largest = search.unit[known], search.largest[known]
                known = known[self._is_closed(known, unit, largest, open_pairs)]
            search.lower(known)

    def _largest(
        self, family: Family, open_pairs: Flags | None, draws: Codes
    ) -> tuple[Floats, Codes]:
        """Largest standardised difference over the open pairs (all, if None) in each draw, and
        the unit it was found at."""
        largest = np.full(len(draws), -np.inf)
        unit = np.zeros(len(draws), dtype=np.intp)
        for start in range(0, len(draws), DRAWS_AT_ONCE):
            block = slice(start, start + DRAWS_AT_ONCE)
            noise = np.ascontiguousarray(self._by_draw[draws[block]].T)
            best, where = largest[block], unit[block]
            for i, partners in family:
                found = self._row_maximum(noise, i, partners, open_pairs)
                if len(family) == 1:
                    best[:], where[:] = found, i
                    continue
                better = found > best
                best[better], where[better] = found[better], i
        return largest, unit

    def _row_maximum(
        self, noise: Floats, i: int, partners: Codes, open_pairs: Flags | None
    ) -> Floats:
        scaled = noise[i] - noise[partners]
        scaled *= self._inverse[i, partners, None]
        if open_pairs is None:
            return np.asarray(np.maximum(scaled.max(axis=0), -scaled.min(axis=0)))
        upward = scaled[open_pairs[i, partners]].max(axis=0, initial=-np.inf)
        downward = scaled[open_pairs[partners, i]].min(axis=0, initial=np.inf)
        return np.asarray(np.maximum(upward, -downward))

    def _is_closed(self, draws: Codes, unit: Codes, largest: Floats, open_pairs: Flags) -> Flags:
        """Draws whose largest difference belongs to a pair that is no longer open."""
        scaled = (self._noise[unit, draws] - self._noise[:, draws]) * self._inverse[:, unit]
        upward = np.where(open_pairs[unit].T, scaled, -np.inf)
        downward = np.where(open_pairs[:, unit], -scaled, -np.inf)
        return np.asarray(np.maximum(upward, downward).max(axis=0) < largest)


class _Search:
    """The largest difference of each draw, as far as the quantile of all of them needs it."""

    def __init__(self, ceiling: Floats, level: float) -> None:
        self._ceiling = ceiling
        self._place = int((len(ceiling) - 1) * level)
        self.largest = np.full(len(ceiling), -np.inf)
        """Minus infinity for draws that are not known; they lie below their ceiling."""
        self.unit = np.zeros(len(ceiling), dtype=np.intp)

    @property
    def known(self) -> Codes:
        return np.flatnonzero(self._ceiling == -np.inf)

    def next_draws(self) -> Codes:
        """Further draws that may reach the quantile; none when it is certain."""
        reached = np.partition(self.largest, self._place)[self._place]
        if reached == -np.inf:
            few = max(self._place - len(self.largest) // 50, 0)
            return np.asarray(np.argpartition(self._ceiling, few)[few:])
        return np.flatnonzero(self._ceiling > reached)

    def enter(self, draws: Codes, largest: Floats, unit: Codes) -> None:
        self.largest[draws], self.unit[draws] = largest, unit
        self._ceiling[draws] = -np.inf

    def lower(self, draws: Codes) -> None:
        """Some pairs were left out: what was the largest is now a ceiling."""
        self._ceiling[draws], self.largest[draws] = self.largest[draws], -np.inf
