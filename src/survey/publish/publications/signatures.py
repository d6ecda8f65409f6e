"""Signatures of a release: the first builds its files, the second person signs what was built."""

from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Any

from sqlmodel import Session, select

from survey.access.audit import actor_id, record
from survey.access.principal import Principal
from survey.access.roles import Action
from survey.fieldwork.instruments import load_instrument
from survey.fieldwork.planning.wave_requests import PeopleRule, get_people_rule
from survey.locale import msg
from survey.publish.publications.archives import (
    read_archived_files,
    read_archived_manifest,
    write_archive,
)
from survey.publish.publications.figures import Erratum, find_errata, format_errata, read_figures
from survey.publish.publications.file_builders import ERRATA_FILE, FIGURES_FILE, build_files
from survey.publish.publications.manifest import (
    EarlierWave,
    PublicationManifest,
    PublishedSnapshot,
    describe_file,
)
from survey.publish.publications.publication_source import PublicationSource
from survey.publish.publications.register import (
    PUBLIC_STATES,
    PublicationNotAllowedError,
    lock_publication,
    require_forward_clock,
)
from survey.publish.publications.signing_keys import get_signing_key, is_withdrawn
from survey.publish.publications.time_stamp import request_time_stamp
from survey.publish.publications.verify import MANIFEST, SIGNATURE, TIME_STAMP
from survey.results import WaveResults, list_waves, open_results
from survey.results.snapshots import get_newest_snapshot
from survey.settings import Settings
from survey.snapshot.seals import find_seals, seal_of_seals
from survey.store.audit_events import AuditEvent
from survey.store.tables import Publication, PublicationState, Snapshot, Wave, WaveAct, WaveState

_BUILDER_OF_ERRATA = "errata"


def sign_publication(
    *, settings: Settings, session: Session, principal: Principal, key: str, now: datetime
) -> PublicationState:
    """Sign a release; the first signature builds its files, the second makes it ready to publish.

    A published release whose key was withdrawn gets a new signature of the same manifest.
    Where one person is enough (docs/planning.md), the first signature is both. If the results were
    computed again in between, or the key was withdrawn, signing begins anew.

    Raises:
        PublicationNotAllowedError: published before, signed by the same person, no final results.
        SigningKeyError: no key can sign.
        TimeStampError: a time stamp server is set and does not answer.
    """
    principal.require(Action.RELEASE)
    publication, wave = lock_publication(session=session, principal=principal, key=key)
    if publication.state in PUBLIC_STATES and is_withdrawn(session, publication.key_id or ""):
        require_forward_clock(publication, now)
        _replace_signature(settings, session, principal, publication, now)
        return publication.state
    if publication.state not in {PublicationState.PLANNED, PublicationState.SIGNED}:
        raise PublicationNotAllowedError(
            msg("The release {release} was published before.", release=key)
        )
    require_forward_clock(publication, now)
    snapshot, seal = get_sealed_snapshot(session, wave)
    first = (
        publication.first_signed_at is None
        or publication.seal_sha256 != seal
        or (publication.key_id is not None and is_withdrawn(session, publication.key_id))
    )
    if publication.state is PublicationState.SIGNED and not first:
        raise PublicationNotAllowedError(msg("The release {release} is signed.", release=key))
    if first:
        _sign_first(settings, session, principal, publication, wave, (snapshot, seal), now)
    one_person = _one_person_rule(settings, session, principal, wave, now)
    if not first and publication.first_signed_by == actor_id(principal) and not one_person:
        raise PublicationNotAllowedError(
            msg("You signed this yourself. Another person gives the second signature.")
        )
    if not first or one_person:
        _sign_second(settings, session, principal, publication, one_person, now)
    _record_signature(session, principal, publication, now)
    return publication.state


def _record_signature(
    session: Session, principal: Principal, publication: Publication, now: datetime
) -> None:
    session.add(publication)
    session.flush()
    record(
        session=session,
        actor=principal,
        event=AuditEvent.RELEASE_SIGNED,
        subject_id=publication.key,
        now=now,
        detail={
            "state": publication.state,
            "archive_sha256": publication.archive_sha256,
            "seal_sha256": publication.seal_sha256,
            **({"key": publication.key_id} if publication.key_id else {}),
            **({"one_person": publication.one_person} if publication.one_person else {}),
        },
    )


def get_sealed_snapshot(session: Session, wave: Wave) -> tuple[Snapshot, str]:
    """Return the final snapshot of a wave and its seal.

    Raises:
        PublicationNotAllowedError: the newest snapshot is provisional.
        SnapshotNotFoundError: there is none.
    """
    _, snapshot = get_newest_snapshot(session, wave.key)
    if not snapshot.final:
        raise PublicationNotAllowedError(
            msg("The wave {wave} has no final results yet.", wave=wave.key)
        )
    seals = find_seals(session, snapshot.directory)
    return snapshot, seal_of_seals(seals) if seals else snapshot.sha256


def _one_person_rule(
    settings: Settings, session: Session, principal: Principal, wave: Wave, now: datetime
) -> str:
    """Return why one person is enough; empty where it takes two."""
    rule = get_people_rule(
        session=session,
        principal=principal,
        key=wave.key,
        act=WaveAct.RELEASE,
        two_people=settings.two_person_freeze,
        now=now,
    )
    return "" if rule is PeopleRule.TWO else rule.value


def _sign_first(
    settings: Settings,
    session: Session,
    principal: Principal,
    publication: Publication,
    wave: Wave,
    sealed: tuple[Snapshot, str],
    now: datetime,
) -> None:
    snapshot, seal = sealed
    results = open_results(settings, session, wave.key)
    earlier = _open_earlier_waves(settings, session, wave)
    files = build_publication_files(settings, session, publication, results, earlier)
    manifest = _build_manifest(session, publication, wave, results, earlier, seal, files, now)
    contents = {path: data for path, (_, data) in files.items()}
    publication.archive_sha256 = write_archive(
        settings, publication.key, {**contents, MANIFEST: manifest.to_bytes()}, now
    )
    publication.snapshot_id, publication.seal_sha256 = snapshot.id, seal
    publication.state, publication.key_id = PublicationState.PLANNED, None
    publication.first_signed_by, publication.first_signed_at = actor_id(principal), now
    publication.second_signed_by = publication.second_signed_at = None
    publication.one_person = ""


def _open_earlier_waves(
    settings: Settings, session: Session, wave: Wave
) -> tuple[WaveResults, ...]:
    """Return the earlier waves of the series that are released, for the years in reports.

    What is not released yet is no business of a reader of this release, the nation's score neither.
    """
    return tuple(
        open_results(settings, session, each.key)
        for each in list_waves(settings, session, wave.series)
        if (each.year, each.key) < (wave.year, wave.key)
        and each.state is WaveState.RELEASED
        and each.is_demo == wave.is_demo
    )


def build_publication_files(
    settings: Settings,
    session: Session,
    publication: Publication,
    results: WaveResults,
    earlier: Sequence[WaveResults],
) -> dict[str, tuple[str, bytes]]:
    """Return the files of a release by path, each with the name of its builder.

    `earlier` are the waves that its reports compare with.

    Raises:
        PublicationNotAllowedError: a correction would show figures that were hidden.
    """
    source = PublicationSource(
        settings=settings,
        results=results.as_released(publication.shown, publication.first_places),
        title={"zh": publication.title_zh, "en": publication.title_en},
        contact=publication.contact,
        instrument=load_instrument(session=session, sha256=results.manifest.instrument_sha256),
        earlier=earlier,
    )
    files = build_files(source, list(publication.builders))
    if publication.corrects_id is None:
        return files
    errata = _find_errata(settings, session, publication, files[FIGURES_FILE][1])
    data = format_errata(errata, publication.correction_reason)
    return {**files, ERRATA_FILE: (_BUILDER_OF_ERRATA, data)}


def _find_errata(
    settings: Settings, session: Session, publication: Publication, figures: bytes
) -> tuple[Erratum, ...]:
    """Return what a correction changes; it may hide figures and never show hidden ones.

    The gate looks at one table at a time: two that hide different cells could tell them together.
    """
    corrected = session.get_one(Publication, publication.corrects_id)
    before = read_figures(read_archived_files(settings, corrected)[FIGURES_FILE])
    errata = find_errata(before, read_figures(figures))
    added = [erratum.figure for erratum in errata if not erratum.before]
    if added:
        raise PublicationNotAllowedError(
            msg(
                "The correction would show {count} figures that release {release} hid, such as "
                "{figure}. Both together could tell what is hidden.",
                count=len(added),
                release=corrected.key,
                figure=added[0],
            )
        )
    return errata


def _build_manifest(
    session: Session,
    publication: Publication,
    wave: Wave,
    results: WaveResults,
    earlier: Sequence[WaveResults],
    seal: str,
    files: dict[str, tuple[str, bytes]],
    now: datetime,
) -> PublicationManifest:
    known, method = results.manifest, results.method
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
        title={"zh": publication.title_zh, "en": publication.title_en},
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
        embargo_until=publication.embargo_until,
        contact=publication.contact,
        approved=tuple(publication.builders),
        earlier=tuple(
            EarlierWave(wave=each.wave.key, snapshot_sha256=each.wave.snapshot_sha256)
            for each in earlier
        ),
        corrects=corrected,
        reason=publication.correction_reason,
        prepared_at=now,
        files=tuple(
            describe_file(path, data, builder) for path, (builder, data) in sorted(files.items())
        ),
    )


def _sign_second(
    settings: Settings,
    session: Session,
    principal: Principal,
    publication: Publication,
    one_person: str,
    now: datetime,
) -> None:
    _write_signature(settings, session, principal, publication, now)
    publication.state = PublicationState.SIGNED
    publication.second_signed_by, publication.second_signed_at = actor_id(principal), now
    publication.one_person = one_person


def _write_signature(
    settings: Settings,
    session: Session,
    principal: Principal,
    publication: Publication,
    now: datetime,
) -> None:
    """Sign the manifest in the archive with the newest key; its bytes and the files stay."""
    files = read_archived_files(settings, publication)
    manifest = read_archived_manifest(files)
    key = get_signing_key(
        settings=settings, session=session, principal=principal, is_demo=manifest.demo, now=now
    )
    signature = key.sign(files[MANIFEST])
    stamp = request_time_stamp(settings, signature)
    signed = {name: data for name, data in files.items() if name != TIME_STAMP}
    signed |= {SIGNATURE: signature, **({TIME_STAMP: stamp} if stamp else {})}
    publication.archive_sha256 = write_archive(
        settings, publication.key, signed, manifest.prepared_at
    )
    publication.key_id = key.id


def _replace_signature(
    settings: Settings,
    session: Session,
    principal: Principal,
    publication: Publication,
    now: datetime,
) -> None:
    _write_signature(settings, session, principal, publication, now)
    _record_signature(session, principal, publication, now)
