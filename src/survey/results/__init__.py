"""Results of a frozen wave: computing and reading them.

Only reading is exported here: pages should not import what freezing needs.
"""

from survey.results.snapshots import SnapshotNotFoundError
from survey.results.wave_results import (
    WaveInfo,
    WaveResults,
    list_earlier_waves,
    list_waves,
    open_results,
)
from survey.snapshots.snapshot_files import SnapshotDamagedError

__all__ = [
    "SnapshotDamagedError",
    "SnapshotNotFoundError",
    "WaveInfo",
    "WaveResults",
    "list_earlier_waves",
    "list_waves",
    "open_results",
]
