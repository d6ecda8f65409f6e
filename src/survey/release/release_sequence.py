"""Releases of a wave in their order, and the snapshots that earlier ones showed.

What was public once stays known to whoever saved it, also after it was taken back. So a further
release is compared with every one that was public, whatever its state is now.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Text, cast
from sqlmodel import Session, col, or_, select

from survey.release.archives import read_archived_manifest
from survey.release.manifest import EarlierWave, PublicationManifest
from survey.results.snapshots import get_shown_snapshot
from survey.results.wave_results import WaveResults, open_snapshot
from survey.settings import Settings
from survey.snapshots.seals import find_seal, was_sealed_as
from survey.store.tables import (
    Publication,
    PublicationErratum,
    PublicationState,
    Snapshot,
    Wave,
    WaveState,
)


def get_seal(session: Session, snapshot: Snapshot) -> str:
    """Return the hash over all files of a snapshot; that of its responses if there is none."""
    return find_seal(session, snapshot.directory) or snapshot.sha256


def are_earlier_waves_shown(settings: Settings, session: Session, publication: Publication) -> bool:
    """Return whether all results of earlier waves that a release compares with are still shown.

    Files that tell the change from figures that were corrected or taken back since would publish a
    wrong number.

    Raises:
        ArchiveDamagedError: the files are not those that were signed.
    """
    manifest = read_archived_manifest(settings, publication)
    return all(_is_shown(session, earlier) for earlier in manifest.earlier)


def _is_shown(session: Session, earlier: EarlierWave) -> bool:
    wave, snapshot = get_shown_snapshot(session, earlier.wave)
    if wave.state is not WaveState.RELEASED or snapshot.sha256 != earlier.snapshot_sha256:
        return False
    return not earlier.seal_sha256 or get_seal(session, snapshot) == earlier.seal_sha256


def open_earlier_waves(
    settings: Settings, session: Session, manifest: PublicationManifest
) -> list[WaveResults]:
    """Return the results of earlier waves from the snapshots that a release was built with.

    Raises:
        SnapshotNotFoundError: one has no snapshot, or there is no such wave.
        SnapshotDamagedError: one cannot be read.
    """
    return [
        open_snapshot(
            settings, session, *find_earlier_snapshot(session, each, manifest.prepared_at)
        )
        for each in manifest.earlier
    ]


def find_earlier_snapshot(
    session: Session, earlier: EarlierWave, prepared_at: datetime
) -> tuple[Wave, Snapshot]:
    """Return the snapshot of earlier wave `earlier` that a release made at `prepared_at` used.

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
    """Return which (wave, snapshot) of `found` was shown at `at`: published, else newest, or None.

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


_NO_VALUES = "{}"
"""An erratum without values after it, as both databases write that: the figure is hidden."""


def number_of(key: str) -> int:
    """Return the number of a release in its wave, the last part of its id.

    The order of releases rests on it and on no time: clocks of several servers differ.
    """
    return int(key.rpartition("-")[2])


def list_ever_public(session: Session, wave_id: UUID) -> Sequence[Publication]:
    """Return the releases of a wave that were public at any time, the oldest first."""
    query = select(Publication).where(
        Publication.wave_id == wave_id, col(Publication.published_at).is_not(None)
    )
    return sorted(session.exec(query), key=lambda publication: number_of(publication.key))


def list_public_before(session: Session, publication: Publication) -> Sequence[Publication]:
    """Return the releases of its wave that were public before a release, the oldest first."""
    own = number_of(publication.key)
    return [
        earlier
        for earlier in list_ever_public(session, publication.wave_id)
        if number_of(earlier.key) < own
    ]


def find_closing_release(session: Session, publication: Publication) -> str | None:
    """Return the id of the first later release that hides figures of this one; None if none does.

    None if none does, and for a release that was not replaced. A later one counts also if it was
    taken back since: why a figure was hidden does not end with that.
    """
    if publication.state is not PublicationState.CORRECTED:
        return None
    own = number_of(publication.key)
    later = {
        each.id: each.key
        for each in list_ever_public(session, publication.wave_id)
        if number_of(each.key) > own
    }
    query = (
        select(PublicationErratum.publication_id)
        .where(
            col(PublicationErratum.publication_id).in_(later),
            cast(col(PublicationErratum.after), Text) == _NO_VALUES,
        )
        .distinct()
    )
    hiding = set(session.exec(query))
    return next((key for release_id, key in later.items() if release_id in hiding), None)


def reason_of_change(publication: Publication, before: Publication) -> str:
    """Return the reason of a release's correction or, without one, of `before`'s retraction."""
    return publication.correction_reason or before.retraction_reason
