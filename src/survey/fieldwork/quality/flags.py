"""What a detector hands back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from survey.fieldwork.quality.interviews import Bools, Floats, Ints
from survey.fieldwork.quality.kinds import FlagKind


@dataclass(frozen=True)
class Flags:
    """One kind of flag: F rows of the interviews, the strength of each (0 to 1), its numbers."""

    kind: FlagKind
    rows: Ints
    strength: Floats
    details: Sequence[Mapping[str, Any]]

    @classmethod
    def none(cls, kind: FlagKind) -> "Flags":
        return cls(kind, np.empty(0, dtype=np.int64), np.empty(0), ())


def ramp(value: Floats, *, nothing: float, full: float) -> Floats:
    """0 at `nothing`, 1 at `full` and beyond, straight in between, to four decimals; NaN is 0."""
    share = np.nan_to_num((value - nothing) / (full - nothing))
    clipped: Floats = np.clip(share, 0.0, 1.0)
    return clipped.round(4)


def rows_of(flagged: Bools) -> Ints:
    return np.flatnonzero(flagged).astype(np.int64)
