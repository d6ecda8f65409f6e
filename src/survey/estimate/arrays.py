"""Array types, sums by code, and settings of the linear algebra library."""

import ctypes
from contextlib import AbstractContextManager
from functools import cache
from math import prod
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import sparse
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Codes = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
Kind = TypeVar("Kind", Floats, Singles, Flags)

_FEW_VALUES = 6_000
"""Below, sums by code are counted, in an eighth to half of the time that a sparse matrix takes;
above some 20,000 values the matrix is faster."""


def flatten_rows(values: Kind) -> Kind:
    """Return an array (m, ...) reshaped to two dimensions (m, k), also where m is 0."""
    return values.reshape(len(values), prod(values.shape[1:]))


def weighted_count(codes: Codes, weights: Floats, groups: int) -> Floats:
    """Return the sum of `weights` (m,) for each code 0 … groups - 1, shape (groups,)."""
    return np.bincount(codes, weights, minlength=groups).astype(np.float64, copy=False)


def group_sum(codes: Codes, values: Floats, groups: int, weights: Floats | None = None) -> Floats:
    """Return sums by code of the rows of `values` (m, c), times `weights` if given, (groups, c)."""
    size = len(codes)
    if values.size < _FEW_VALUES:
        # For one city, making the matrix would take far longer than adding the numbers.
        columns = values.shape[1]
        entries = values if weights is None else values * weights[:, None]
        places = (codes[:, None] * columns + np.arange(columns)).ravel()
        return weighted_count(places, entries.ravel(), groups * columns).reshape(groups, columns)
    entries = np.ones(size) if weights is None else weights
    member = sparse.csc_matrix((entries, codes, np.arange(size + 1)), shape=(groups, size))
    return np.asarray(member @ values)


def ratio(numerator: Floats, denominator: Floats, otherwise: float = 0.0) -> Floats:
    """Return the elementwise quotient, and `otherwise` where the denominator is not positive."""
    shape = np.broadcast_shapes(numerator.shape, denominator.shape)
    quotient = np.full(shape, otherwise)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient


def sum_by_code(codes: Codes, values: Floats, size: int) -> Floats:
    """Return sums of `values` (B, ...) for each code 0 … size - 1; code -1 is left out."""
    inside = np.flatnonzero(codes >= 0)
    flat = flatten_rows(values[inside])
    return group_sum(codes[inside], flat, size).reshape(size, *values.shape[1:])


def limit_to_one_thread() -> AbstractContextManager[object]:
    """Return a context manager that limits BLAS to one thread, enough for small products."""
    limit: AbstractContextManager[object] = _blas().limit(limits=1, user_api="blas")
    return limit


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def release_freed_memory() -> None:
    """Give memory that Arrow and the C library hold unused back to the operating system.

    What the C library keeps is worth having between two cubes of the same wave, not between one
    stage of a freeze and the next (malloc_trim(3)); other C libraries have no such function. Where
    Arrow has an allocator of its own (`survey.__init__`), that keeps what it freed by itself.
    """
    pa.default_memory_pool().release_unused()
    trim = getattr(_c_library(), "malloc_trim", None)
    if trim is not None:
        trim(0)


@cache
def _c_library() -> ctypes.CDLL:
    return ctypes.CDLL(None)


@cache
def keep_freed_memory() -> None:
    """Make the C library keep the memory that one cube frees, so that the next can reuse it.

    glibc gives a large free top of its heap back to the system, and every page of it is then
    fetched anew: a fifth of a cube's time. The first large block that a process frees sets how
    large (twice the block, up to 64 MiB; mallopt(3), M_MMAP_THRESHOLD). This one is never written
    to, so it costs nothing; other C libraries ignore it.
    """
    np.empty(31 << 20, dtype=np.uint8)
