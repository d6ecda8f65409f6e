"""Array types and the few sums everything else is made of."""

from math import prod
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Codes = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
Kind = TypeVar("Kind", Floats, Singles, Flags)


def flatten_rows(values: Kind) -> Kind:
    """(m, ...) as (m, the rest), also where m is 0: an area level may have no areas."""
    return values.reshape(len(values), prod(values.shape[1:]))


def weighted_count(codes: Codes, weights: Floats, groups: int) -> Floats:
    """Sum of `weights` (m,) by code, shape (groups,)."""
    return np.bincount(codes, weights, minlength=groups).astype(np.float64, copy=False)


def group_sum(codes: Codes, values: Floats, groups: int, weights: Floats | None = None) -> Floats:
    """Sum of the rows of `values` (m, c), each times its weight, by code, shape (groups, c)."""
    size = len(codes)
    entries = np.ones(size) if weights is None else weights
    member = sparse.csc_matrix((entries, codes, np.arange(size + 1)), shape=(groups, size))
    return np.asarray(member @ values)


def ratio(numerator: Floats, denominator: Floats, otherwise: float = 0.0) -> Floats:
    """Elementwise quotient, `otherwise` where the denominator is not positive."""
    shape = np.broadcast_shapes(numerator.shape, denominator.shape)
    quotient = np.full(shape, otherwise)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient


def sum_by_code(codes: Codes, values: Floats, size: int) -> Floats:
    """Sum (B, ...) by code, skipping -1, shape (size, ...)."""
    inside = np.flatnonzero(codes >= 0)
    flat = flatten_rows(values[inside])
    return group_sum(codes[inside], flat, size).reshape(size, *values.shape[1:])
