"""Snapshots: the approved responses of a wave as typed Parquet with a manifest."""

from survey.instrument.question_types.snapshot_codes import (
    DONT_KNOW,
    MISSING,
    NOT_ASKED,
    NOT_EXPERIENCED,
    REFUSED,
)
from survey.snapshot.snapshot_files import (
    SnapshotDamagedError,
    SnapshotManifest,
    read_snapshot,
    write_snapshot,
)

__all__ = [
    "DONT_KNOW",
    "MISSING",
    "NOT_ASKED",
    "NOT_EXPERIENCED",
    "REFUSED",
    "SnapshotDamagedError",
    "SnapshotManifest",
    "read_snapshot",
    "write_snapshot",
]
