"""Waves opened from their snapshots: all rows in memory, or part by part."""

from pathlib import Path

from sqlmodel import Session

from survey.fieldwork.instruments import load_instrument, load_tree
from survey.results.wave_data import WaveData
from survey.results.wave_parts import WaveParts
from survey.results.wave_rules import WaveRules
from survey.sample.special_groups import oversampling_of
from survey.snapshot.seals import find_seals, read_sealed
from survey.snapshot.snapshot_files import MANIFEST, RESPONSES, SnapshotManifest, read_snapshot
from survey.store.tables import Wave


def load_wave_data(session: Session, wave: Wave, folder: Path) -> WaveData:
    """Load all rows of a wave from its snapshot in `folder`.

    Raises:
        SnapshotDamagedError: the responses are missing or are not the ones frozen.
    """
    seals = find_seals(session, f"{folder.parent.name}/{folder.name}")
    for name in (MANIFEST, RESPONSES):
        read_sealed(folder / name, seals)
    manifest, frame = read_snapshot(folder)
    return WaveData.weigh(frame, load_rules(session, wave, manifest))


def open_wave(session: Session, wave: Wave, folder: Path) -> WaveParts:
    """Open a wave from its snapshot in `folder`; errors as `load_wave_data`."""
    return WaveParts.of_loaded(load_wave_data(session, wave, folder))


def load_rules(session: Session, wave: Wave, manifest: SnapshotManifest) -> WaveRules:
    """Load the rules by which a snapshot of a wave was made."""
    return WaveRules.of(
        series=wave.series,
        instrument=load_instrument(session=session, instrument_id=wave.instrument_id),
        tree=load_tree(session=session, tree_id=wave.tree_id) if wave.tree_id else None,
        composite=wave.composite,
        oversampling=oversampling_of(session=session, wave_id=wave.id),
        without_point=manifest.without_point,
        groups=manifest.groups,
    )
