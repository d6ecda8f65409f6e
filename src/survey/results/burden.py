"""Burden of a wave on those who answered: minutes of an interview, and hours of all together."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from survey.disclosure import MINIMUM_N
from survey.snapshots.response_files import is_response_file

_SECONDS = "duration_seconds"


@dataclass(frozen=True)
class InterviewBurden:
    """Median of an interview in whole minutes, and all interviews at that length in whole hours."""

    minutes: int
    hours: int
    measured_share: float
    """Part of the interviews whose length is known: not so on paper and where imported."""


@lru_cache(maxsize=32)
def measure_burden(folder: Path) -> InterviewBurden | None:
    """Return the burden of the interviews in a snapshot; None where too few lengths are known.

    A snapshot never changes, so it is read once. The median, for a form that was left open over a
    night has its length.
    """
    try:
        seconds = [
            pq.read_table(path, columns=[_SECONDS])[_SECONDS].to_numpy(zero_copy_only=False)
            for path in _list_files(folder)
        ]
    except (OSError, pa.ArrowException):  # the figures of a wave stand without its interviews
        return None
    lengths = np.concatenate(seconds) if seconds else np.empty(0)
    known = lengths[np.isfinite(lengths) & (lengths > 0)]
    if len(known) < MINIMUM_N:
        return None
    median = float(np.median(known))
    return InterviewBurden(
        round(median / 60), round(median * len(lengths) / 3600), len(known) / len(lengths)
    )


def _list_files(folder: Path) -> Sequence[Path]:
    return sorted(path for path in folder.iterdir() if is_response_file(path.name))
