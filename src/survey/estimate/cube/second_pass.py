"""Second pass over the rows of a part, for statistics of many columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from survey.estimate.arrays import Floats
from survey.estimate.cube.rows import Chunk, CubeRows

MIX_TOLERANCE = 1e-14


@dataclass(frozen=True)
class StatisticBasis:
    """Basis: statistics of which all the others are linear combinations.

    The composite is a combination of the first-level indicators, and so are its linearised values.
    """

    omega: Floats
    """Shape (b, K)."""
    mix: Floats
    """Each statistic as a combination of the basis, shape (t, b)."""
    pairs: list[tuple[int, int]]
    """Products of two basis statistics that some statistic needs."""

    @classmethod
    def of(cls, omega: Floats, *, mixed: bool) -> "StatisticBasis":
        """Return a basis of the statistics `omega`: all of them, or if `mixed` independent ones."""
        return _build_basis(omega.tobytes(), omega.shape, mixed)

    def squares(self, products: Floats) -> Floats:
        """Return weighted sums of squares of statistics from products of basis statistics."""
        share = np.array([self.mix[:, a] * self.mix[:, b] * (1 + (a != b)) for a, b in self.pairs])
        share = share.reshape(len(self.pairs), len(self.mix))
        return np.asarray(products.transpose(0, 2, 1) @ share)


@lru_cache(maxsize=16)
def _build_basis(omega_bytes: bytes, shape: tuple[int, ...], mixed: bool) -> StatisticBasis:
    """Build and cache a basis of the statistics `omega_bytes`; independent ones if `mixed`."""
    omega = np.frombuffer(omega_bytes).reshape(shape)
    chosen: list[int] = []
    mix = np.zeros((len(omega), len(omega)))
    smallest_first = np.argsort((omega != 0).sum(axis=1), kind="stable")
    for t in smallest_first if mixed else range(len(omega)):
        share = np.zeros(len(chosen))
        if mixed and chosen:
            share = np.linalg.lstsq(omega[chosen].T, omega[t], rcond=None)[0]
        if mixed and np.allclose(share @ omega[chosen], omega[t], rtol=0, atol=MIX_TOLERANCE):
            mix[t, : len(chosen)] = share
        else:
            mix[t, len(chosen)] = 1.0
            chosen.append(int(t))
    mix = mix[:, : len(chosen)]
    needed = np.abs(mix).T @ np.abs(mix) > 0
    pairs = [(a, b) for a in range(len(chosen)) for b in range(a + 1) if needed[a, b]]
    return StatisticBasis(omega[chosen], mix, pairs)


class SecondPass:
    """Computation of products of linearised values of a part's rows, one chunk at a time."""

    def __init__(self, rows: CubeRows, basis: StatisticBasis) -> None:
        self._rows, self._pairs = rows, basis.pairs
        columns = [np.flatnonzero(line) for line in basis.omega]
        self._lines = [np.concatenate([c, rows.columns + c]) for c in columns]
        self._spaces = rows.workspace(2 * rows.columns), rows.workspace(len(rows.member))

    def at(self, chunk: Chunk) -> None:
        features = self._rows.features(chunk, self._spaces[0])
        self._mass = self._rows.mass(chunk, self._spaces[1])
        self._features = [features[lines] for lines in self._lines]

    def products(self, kernels: Sequence[Floats]) -> Floats:
        """Return a chunk's sums of weighted products of rows linearised by `kernels`."""
        u = [kernel @ features for kernel, features in zip(kernels, self._features, strict=True)]
        weighted = [values * self._mass for values in u]
        return np.array([np.vecdot(weighted[a], u[b]) for a, b in self._pairs])


def kernels_of(
    basis: StatisticBasis, mean: Floats, inverse: Floats, coverage: Floats | None = None
) -> list[Floats]:
    """Return a matrix (A, G, 2k) per statistic of the basis that linearises rows about area means.

    One per statistic of the basis; `coverage` multiplies by that of the statistic in the same
    place.
    """
    kernels = []
    for t, line in enumerate(basis.omega):
        columns = np.flatnonzero(line)
        slope = line[columns] * inverse[..., columns]
        if coverage is not None:
            slope *= np.nan_to_num(coverage[..., t, None])
        kernels.append(np.concatenate([-mean[..., columns] * slope, slope], axis=2))
    return kernels
