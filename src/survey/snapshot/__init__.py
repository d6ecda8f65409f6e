"""Freezing: the approved responses of a wave as typed Parquet with a manifest."""

from survey.snapshot.codes import DONT_KNOW, MISSING, NOT_ASKED, NOT_EXPERIENCED, REFUSED
from survey.snapshot.files import SnapshotDamaged, read_snapshot, write_snapshot
from survey.snapshot.manifest import Manifest

__all__ = [
    "DONT_KNOW",
    "MISSING",
    "NOT_ASKED",
    "NOT_EXPERIENCED",
    "REFUSED",
    "Manifest",
    "SnapshotDamaged",
    "read_snapshot",
    "write_snapshot",
]
