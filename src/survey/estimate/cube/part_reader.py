"""Readers of the parts of a cube, which keep a small wave's rows between two passes."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from survey.estimate.cube.part import CubePart
from survey.estimate.cube.spec import CubeSpec

PartSource = Callable[[], tuple[pd.DataFrame, CubeSpec]]
"""Reads the rows of a part, with the areas and groups of just these rows; sent to other processes,
so a function of a module or an object of plain values."""
MAX_KEPT_BYTES = 64 << 20
"""Rows of a cube that stay in memory between its passes: 800,000 with 27 items and 20 groups."""


@dataclass
class KeptRowsLimit:
    """Budget of memory, in bytes, for the rows that all parts of a cube may keep."""

    free_bytes: int

    def claim(self, size: int) -> bool:
        """Deduct `size` bytes from the budget if they fit, and return whether they did."""
        fits = size <= self.free_bytes
        self.free_bytes -= size * fits
        return fits


class PartReader:
    """Reader of one part of a cube, which keeps its coded rows for the next pass if they fit.

    Reading, weighing and coding rows takes longer than summing them again. What is sent to another
    process is the source alone, which is read there for each pass.
    """

    def __init__(self, source: PartSource, limit: KeptRowsLimit | None = None) -> None:
        self._source = source
        self._limit = limit or KeptRowsLimit(0)
        self._kept: CubePart | None = None

    def __reduce__(self) -> tuple[type["PartReader"], tuple[PartSource]]:
        return PartReader, (self._source,)

    def read(self) -> CubePart:
        """Return the part with its sums, from kept rows if there are any, else from the source."""
        if self._kept is not None:
            return self._kept.with_sums()
        part = CubePart.read(*self._source())
        if self._limit.claim(part.rows.nbytes):
            self._kept = part.without_sums()
        return part
