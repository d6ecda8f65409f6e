"""A frozen wave's weights, cells and gaps: made once (`results.freeze`), read by every page.

Only reading is offered here: pages should not wait for what freezing imports.
"""

from survey.publish.results.store import (
    NothingFrozen,
    WaveInfo,
    WaveResults,
    list_waves,
    open_results,
)
from survey.snapshot import SnapshotDamaged

__all__ = [
    "NothingFrozen",
    "SnapshotDamaged",
    "WaveInfo",
    "WaveResults",
    "list_waves",
    "open_results",
]
