"""Files of a release and the manifest that names them, from the results of its wave."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any

from sqlmodel import Session, select

from survey.figures.figure_table import find_verdicts
from survey.locale import labels_of, msg
from survey.release.archives import read_archived_file, read_archived_manifest
from survey.release.figures import (
    ErrataSummary,
    Erratum,
    describe_errata_in_every_language,
    find_errata,
    format_errata,
    summarise_errata,
)
from survey.release.file_builders import ERRATA_FILE, FIGURES_FILE, build_files
from survey.release.manifest import (
    EarlierWave,
    PublicationManifest,
    PublishedSnapshot,
    describe_file,
)
from survey.release.publication_source import PUBLIC_READER, PublicationSource
from survey.release.quality_evidence import read_quality_evidence
from survey.release.register import PublicationNotAllowedError, read_publisher
from survey.release.release_sequence import list_public_before, open_earlier_waves, reason_of_change
from survey.results import WaveInfo, WaveResults, list_earlier_waves
from survey.results.snapshots import SnapshotNotFoundError
from survey.results.wave_results import open_snapshot
from survey.settings import Settings
from survey.snapshots.seals import find_seal
from survey.snapshots.snapshot_files import SnapshotDamagedError
from survey.store.tables import Publication, Snapshot, Wave, WaveState
from survey.waves.instruments import load_instrument, load_pictures


@dataclass(frozen=True)
class PublicationFiles:
    """Built files of a release as `path -> (builder, content)`, with a summary of its errata."""

    source: PublicationSource
    files: Mapping[str, tuple[str, bytes]]
    errata: ErrataSummary | None = None
    """What they change of the release before; None where there is none before."""


def list_earlier_releases(settings: Settings, session: Session, wave: Wave) -> tuple[WaveInfo, ...]:
    """Return the released earlier waves of the same series, which reports compare years with.

    What is not released yet is no business of a reader of this release, the nation's score neither.
    """
    return tuple(
        each
        for each in list_earlier_waves(settings, session, wave)
        if each.state is WaveState.RELEASED and each.is_demo == wave.is_demo
    )


def build_publication_files(
    settings: Settings,
    session: Session,
    publication: Publication,
    results: WaveResults,
    earlier: Sequence[WaveResults],
    moment: datetime,
) -> PublicationFiles:
    """Build a release's files, compared with waves `earlier`; with errata if one was public before.

    Args:
        earlier: The waves that its reports compare with.
        moment: What was recorded of the wave until then is in its quality report.

    Raises:
        PublicationNotAllowedError: it would show figures that an earlier release hid.
    """
    instrument = load_instrument(session=session, sha256=results.manifest.instrument_sha256)
    source = PublicationSource(
        settings=settings,
        results=results.as_released(publication.shown, publication.first_places),
        title=labels_of(publication, "title"),
        publisher=read_publisher(session, publication),
        instrument=instrument,
        evidence=read_quality_evidence(
            session, publication, [each.wave for each in earlier], moment
        ),
        pictures=load_pictures(session=session, instrument=instrument),
        earlier=earlier,
    )
    files = build_files(source, list(publication.builders))
    earlier_releases = list_public_before(session, publication)
    if not earlier_releases:
        return PublicationFiles(source, files)
    figures = files[FIGURES_FILE][1]
    for earlier_release in earlier_releases:
        errata = find_errata(read_archived_file(settings, earlier_release, FIGURES_FILE), figures)
        _require_nothing_hidden(earlier_release, errata)
    before = earlier_releases[-1]
    known = _find_published_verdicts(settings, session, before)
    verdicts = find_verdicts(source.results, PUBLIC_READER, [each.wave for each in earlier])
    summary = summarise_errata(errata, None if known is None else (known, verdicts))
    line, reason = describe_errata_in_every_language(summary), reason_of_change(publication, before)
    data = format_errata(errata, line, before.key, reason)
    files[ERRATA_FILE] = ("errata", data)
    return PublicationFiles(source, files, summary)


def _find_published_verdicts(
    settings: Settings, session: Session, publication: Publication
) -> dict[str, str] | None:
    """Return `figure id -> significance verdict` of a release; None if its snapshot was changed.

    Its figures stand in its archive, its verdicts in the tables of its snapshot alone.
    """
    snapshot = session.get_one(Snapshot, publication.snapshot_id)
    if find_seal(session, snapshot.directory) != publication.seal_sha256:
        return None
    wave = session.get_one(Wave, publication.wave_id)
    manifest = read_archived_manifest(settings, publication)
    with suppress(SnapshotDamagedError, SnapshotNotFoundError):
        results = open_snapshot(settings, session, wave, snapshot)
        earlier = [each.wave for each in open_earlier_waves(settings, session, manifest)]
        released = results.as_released(publication.shown, publication.first_places)
        return find_verdicts(released, PUBLIC_READER, earlier)
    return None


def _require_nothing_hidden(earlier: Publication, errata: Sequence[Erratum]) -> None:
    """Raise `PublicationNotAllowedError` if `errata` show a figure that release `earlier` hid.

    The gate looks at one table at a time: two that hide different cells could tell them together.
    """
    added = [erratum.figure for erratum in errata if erratum.is_added]
    if added:
        raise PublicationNotAllowedError(
            msg(
                "The release would show {count} figures that release {release} hid, such as "
                "{figure}. Both together could tell what is hidden.",
                count=len(added),
                release=earlier.key,
                figure=added[0],
            )
        )


def build_publication_manifest(
    session: Session, publication: Publication, built: PublicationFiles, seal: str, now: datetime
) -> PublicationManifest:
    """Return the manifest of the `built` files; `seal` is the hash of all files of the snapshot."""
    results = built.source.results
    wave, known, method = results.wave, results.manifest, results.method
    rules: dict[str, Any] = {
        "minimum_n": method.minimum_n,
        "confidence_level": method.level,
        "false_discovery_rate": method.false_discovery_rate,
        "unreliable_below_n": method.unreliable_below_n,
        "interval_audit_seed": method.interval_audit.seed if method.interval_audit else None,
        "computed_by": method.code_version,
    }
    corrected = (
        session.exec(select(Publication.key).where(Publication.id == publication.corrects_id)).one()
        if publication.corrects_id
        else None
    )
    return PublicationManifest(
        id=publication.key,
        demo=wave.is_demo or known.is_demo,
        title=labels_of(publication, "title"),
        wave=wave.key,
        series=wave.series,
        year=wave.year,
        snapshot=PublishedSnapshot(
            sha256=known.responses_sha256,
            seal_sha256=seal,
            final=known.final,
            frozen_at=known.frozen_at,
        ),
        software=version("hundred-cities-survey"),
        instrument=f"{known.instrument} {known.instrument_version}",
        tree=known.tree,
        tree_sha256=known.tree_sha256,
        composite=known.composite,
        weights=known.weights,
        rules=rules,
        fieldwork=method.fieldwork.model_dump() if method.fieldwork else None,
        shown=publication.shown,
        first_places=publication.first_places,
        public=publication.is_public,
        embargo_until=publication.embargo_until,
        contact=publication.contact,
        issuer=publication.issuer or "",
        approved=tuple(publication.builders),
        earlier=tuple(
            EarlierWave(
                wave=each.wave.key,
                snapshot_sha256=each.wave.snapshot_sha256,
                seal_sha256=each.wave.seal_sha256,
            )
            for each in built.source.earlier
        ),
        corrects=corrected,
        reason=publication.correction_reason,
        errata=built.errata,
        prepared_at=now,
        files=tuple(
            describe_file(path, data, builder)
            for path, (builder, data) in sorted(built.files.items())
        ),
    )
