"""A frozen wave's weights, cells and gaps: made once, read by every page."""

from survey.publish.results.freeze import FrozenWave, freeze_wave
from survey.publish.results.store import (
    NothingFrozen,
    WaveInfo,
    WaveResults,
    list_waves,
    open_results,
)
from survey.snapshot import SnapshotDamaged

__all__ = [
    "FrozenWave",
    "NothingFrozen",
    "SnapshotDamaged",
    "WaveInfo",
    "WaveResults",
    "freeze_wave",
    "list_waves",
    "open_results",
]
