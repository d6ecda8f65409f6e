"""The source of a snapshot that was frozen before, from its stored responses."""

from pathlib import Path

from sqlmodel import Session

from survey.fieldwork.instruments import load_instrument, load_tree
from survey.fieldwork.planning.oversampling import oversampling_of
from survey.publish.results.source import Source
from survey.snapshot.files import MANIFEST, RESPONSES, read_snapshot
from survey.snapshot.seals import find_seals, read_sealed
from survey.store.tables import Wave


def stored_source(session: Session, wave: Wave, folder: Path) -> Source:
    """Raises `SnapshotDamaged` where the responses are missing or are not the ones frozen."""
    seals = find_seals(session, f"{folder.parent.name}/{folder.name}")
    for name in (MANIFEST, RESPONSES):
        read_sealed(folder / name, seals)
    manifest, frame = read_snapshot(folder)
    return Source.of(
        frame,
        series=wave.series,
        instrument=load_instrument(session=session, instrument_id=wave.instrument_id),
        tree=load_tree(session=session, tree_id=wave.tree_id) if wave.tree_id else None,
        composite=wave.composite,
        oversampling=oversampling_of(session=session, wave_id=wave.id),
        without_point=manifest.without_point,
        groups=manifest.groups,
    )
