"""A frozen wave's weights, cells and gaps: made once (`results.freeze`), read by every page.

Only reading is offered here: pages should not wait for what freezing imports.
"""

from survey.publish.results.wave_results import (
    SnapshotNotFoundError,
    WaveInfo,
    WaveResults,
    list_waves,
    open_results,
)
from survey.snapshot import SnapshotDamagedError

__all__ = [
    "SnapshotDamagedError",
    "SnapshotNotFoundError",
    "WaveInfo",
    "WaveResults",
    "list_waves",
    "open_results",
]
