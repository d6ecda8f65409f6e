"""Snapshots of earlier waves that a release compares with: which they were, and whether they stand.

The same responses frozen again have the same hash, so the seal of all files tells which it was.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, or_, select

from survey.publish.publications.archives import read_archived_file, read_archived_manifest
from survey.publish.publications.manifest import EarlierWave
from survey.publish.publications.verify import MANIFEST
from survey.results.snapshots import get_shown_snapshot
from survey.settings import Settings
from survey.snapshot.seals import find_seals, seal_of_seals, was_sealed_as
from survey.store.tables import Publication, Snapshot, Wave, WaveState


def get_seal(session: Session, snapshot: Snapshot) -> str:
    """Return one hash for all files of a snapshot; of its responses alone where it has no seals."""
    seals = find_seals(session, snapshot.directory)
    return seal_of_seals(seals) if seals else snapshot.sha256


def are_earlier_waves_shown(settings: Settings, session: Session, publication: Publication) -> bool:
    """Return whether readers see the results of earlier waves that the files were built with.

    Files that tell the change from figures that were corrected or taken back since would publish a
    wrong number.

    Raises:
        ArchiveDamagedError: the files are not those that were signed.
    """
    content = read_archived_file(settings, publication, MANIFEST)
    manifest = read_archived_manifest({MANIFEST: content})
    return all(_is_shown(session, earlier) for earlier in manifest.earlier)


def _is_shown(session: Session, earlier: EarlierWave) -> bool:
    wave, snapshot = get_shown_snapshot(session, earlier.wave)
    if wave.state is not WaveState.RELEASED or snapshot.sha256 != earlier.snapshot_sha256:
        return False
    return not earlier.seal_sha256 or get_seal(session, snapshot) == earlier.seal_sha256


def find_earlier_snapshot(
    session: Session, earlier: EarlierWave, prepared_at: datetime
) -> tuple[Wave, Snapshot]:
    """Return an earlier wave with the snapshot of it that the files were built with.

    Raises:
        SnapshotNotFoundError: the wave has no snapshot, or there is no such wave.
    """
    query = (
        select(Wave, Snapshot)
        .join(Snapshot, col(Snapshot.wave_id) == col(Wave.id))
        .where(Wave.key == earlier.wave, Snapshot.sha256 == earlier.snapshot_sha256)
        .order_by(col(Snapshot.created_at).desc())
    )
    found = [(wave, snapshot) for wave, snapshot in session.exec(query)]
    sealed = (
        (wave, snapshot)
        for wave, snapshot in found
        if earlier.seal_sha256 and was_sealed_as(session, snapshot.directory, earlier.seal_sha256)
    )
    return (
        next(sealed, None)
        or _find_shown_then(session, found, prepared_at)
        or get_shown_snapshot(session, earlier.wave)
    )


def _find_shown_then(
    session: Session, found: Sequence[tuple[Wave, Snapshot]], at: datetime
) -> tuple[Wave, Snapshot] | None:
    """Return the snapshot that readers saw at a moment: of the release that stood, else the newest.

    For manifests from before they named the seal.
    """
    there = [(wave, snapshot) for wave, snapshot in found if snapshot.created_at <= at]
    query = (
        select(Publication.snapshot_id)
        .where(
            col(Publication.snapshot_id).in_([snapshot.id for _, snapshot in there]),
            col(Publication.published_at) <= at,
            or_(col(Publication.retracted_at).is_(None), col(Publication.retracted_at) > at),
        )
        .order_by(col(Publication.published_at).desc())
    )
    standing = session.exec(query).first()
    return next(
        ((wave, snapshot) for wave, snapshot in there if snapshot.id == standing),
        there[0] if there else None,
    )
