"""Signatures of a release: the first builds its files, the second person signs what was built.

Files are built, and a time stamp is fetched, before the transaction that stores a signature begins:
with the reports on a hundred cities that takes minutes, and others write to the store meanwhile.
The transaction compares everything that the signature rests on with what it was then.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, select

from survey.access.approval import PeopleRule, approve, list_second_people
from survey.access.audit import actor_id
from survey.access.audit_queries import list_credential_resets
from survey.access.principal import Principal
from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import msg
from survey.release.archives import ArchiveDraft, draft_archive, read_archived_files
from survey.release.manifest import PublicationManifest
from survey.release.public_acts import enter_public_acts
from survey.release.publication_files import (
    build_publication_files,
    build_publication_manifest,
    list_earlier_releases,
)
from survey.release.register import (
    PUBLIC_STATES,
    PublicationNotAllowedError,
    find_publication,
    lock_publication,
    require_forward_clock,
)
from survey.release.release_sequence import are_earlier_waves_shown, get_seal
from survey.release.signing_keys import (
    SigningKey,
    find_signing_key,
    is_withdrawn,
    register_demo_key,
    request_time_stamp,
)
from survey.release.verify import MANIFEST, SIGNATURE, TIME_STAMP
from survey.results import open_results
from survey.results.snapshots import SnapshotNotFoundError, get_newest_snapshot, get_shown_snapshot
from survey.results.wave_results import open_snapshot
from survey.results.whole_audits import require_whole_audit
from survey.settings import Settings
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope
from survey.store.tables import Publication, PublicationState, Snapshot, Wave, WaveAct
from survey.store.transactions import run_in_transaction
from survey.waves.planning.wave_requests import ACT_ACTIONS, get_people_rule


class OwnSignatureError(PublicationNotAllowedError):
    """Raised when the second signature would be by the person who gave the first."""

    message = msg("You signed this yourself. Another person gives the second signature.")


class ResetByFirstSignerError(PublicationNotAllowedError):
    """Raised when the first signer has reset the second signer's password or second factor."""

    message = msg(
        "Whoever gave the first signature has reset your password or second factor since "
        "the announcement, and could sign in as you. Another person gives the second "
        "signature."
    )


@dataclass(frozen=True)
class SignatureBasis:
    """State that a signature confirms: release, snapshot, earlier waves; a change voids it."""

    release: dict[str, Any]
    """The release as the register holds it."""
    snapshot_id: UUID | None
    """Final snapshot whose results the files show; none where only the signature is replaced."""
    seal: str
    earlier: tuple[tuple[str, str], ...]
    """Earlier waves that reports compare with, each with its seal."""
    is_first: bool
    """Whether the files are built."""
    is_last: bool
    """Whether the manifest is signed with the key."""
    one_person: str
    """Why one person is enough; empty where it takes two."""


@dataclass(frozen=True)
class PreparedSignature:
    """Signature with its files in a draft archive, not yet stored in the register."""

    key: str
    basis: SignatureBasis
    archive: ArchiveDraft
    manifest: PublicationManifest
    signing_key: SigningKey | None
    """Key under the manifest; none for the first of two signatures."""


def sign_publication(
    settings: Settings, *, principal: Principal, key: str, clock: Callable[[], datetime]
) -> PublicationState:
    """Sign a release at `clock()`, return its state; the first signature builds its files.

    A published release whose key was withdrawn gets a new signature of the same manifest.
    Where one person is enough (docs/planning.md), the first signature is both. If the results were
    computed again in between, or the key was withdrawn, signing begins anew.

    Call it outside of a transaction: it reads in one scope and writes in a short one of its own.

    Raises:
        PublicationNotAllowedError: published before, signed by the same person, no final results,
            or something that the signature rests on changed while its files were built.
        RefusedError: not every hidden count of the results has passed an audit.
        SigningKeyError: no key can sign.
        TimeStampError: a time stamp server is set and does not answer.
    """
    with read_scope(settings.store_url, long_running=True) as session:
        prepared = prepare_signature(Work(session, principal, clock(), settings), key=key)
    with _dropped_on_failure(settings, prepared):
        return run_in_transaction(
            settings.store_url,
            lambda session: store_signature(
                Work(session, principal, clock(), settings), prepared=prepared
            ),
        )


def list_awaited_signers(work: Work, *, key: str) -> tuple[str, ...]:
    """Return names of those who can give the second signature after the principal's first.

    Empty where the principal has not signed it, or where one person is enough.
    """
    work.require(Action.RELEASE)
    publication, wave = find_publication(work, key=key)
    if publication.first_signed_by != actor_id(work.principal):
        return ()
    try:
        _find_basis(work, publication, wave)
    except OwnSignatureError:
        return list_second_people(work, action=ACT_ACTIONS[WaveAct.RELEASE])
    except (PublicationNotAllowedError, SnapshotNotFoundError):
        return ()
    return ()


@contextmanager
def _dropped_on_failure(settings: Settings, prepared: PreparedSignature) -> Iterator[None]:
    """Run the block; if it raises, delete the archive unless the register may contain it.

    A connection that breaks at the commit leaves open whether the signature was stored.
    """
    try:
        yield
    except BaseException:
        prepared.archive.draft.unlink(missing_ok=True)
        if not _may_be_known(settings, prepared.archive):
            prepared.archive.path.unlink(missing_ok=True)
        raise


def _may_be_known(settings: Settings, archive: ArchiveDraft) -> bool:
    """Return whether the register contains an archive; True also if the register is unreadable."""
    holds = select(Publication.id).where(Publication.archive_sha256 == archive.sha256).limit(1)
    try:
        with read_scope(settings.store_url) as session:
            return session.exec(holds).first() is not None
    except SQLAlchemyError:
        return True


def prepare_signature(work: Work, *, key: str) -> PreparedSignature:
    """Build files and signature of a release into a draft archive; store nothing.

    Raises: see `sign_publication`.
    """
    work.require(Action.RELEASE)
    publication, wave = find_publication(work, key=key)
    basis = _find_basis(work, publication, wave)
    _require_audited(work.session, wave, basis)
    if basis.is_first:
        contents, manifest = _build_contents(work, publication, wave, basis.seal)
    else:
        contents = read_archived_files(work.settings, publication)
        manifest = PublicationManifest.model_validate_json(contents[MANIFEST])
    signing_key = None
    if basis.is_last:
        signing_key = find_signing_key(work, is_demo=manifest.demo)
        # The bytes of the manifest and the other files stay.
        signature = signing_key.sign(contents[MANIFEST])
        stamp = request_time_stamp(work.settings, signature)
        signed = {name: data for name, data in contents.items() if name != TIME_STAMP}
        contents = signed | {SIGNATURE: signature, **({TIME_STAMP: stamp} if stamp else {})}
    archive = draft_archive(work.settings, key, contents, manifest.prepared_at)
    return PreparedSignature(key, basis, archive, manifest, signing_key)


def _build_contents(
    work: Work, publication: Publication, wave: Wave, seal: str
) -> tuple[dict[str, bytes], PublicationManifest]:
    settings, session = work.settings, work.session
    results = open_snapshot(settings, session, *get_newest_snapshot(session, wave.key))
    earlier = [
        open_results(settings, session, each.key)
        for each in list_earlier_releases(settings, session, wave)
    ]
    built = build_publication_files(settings, session, publication, results, earlier, work.now)
    manifest = build_publication_manifest(session, publication, built, seal, work.now)
    contents = {path: data for path, (_, data) in built.files.items()}
    return {**contents, MANIFEST: manifest.to_bytes()}, manifest


def store_signature(work: Work, *, prepared: PreparedSignature) -> PublicationState:
    """Store and record a signature, install its archive, return the state; raise after any change.

    Raises:
        PublicationNotAllowedError: something changed; nothing is signed.
        SigningKeyError: the key was withdrawn meanwhile.
    """
    work.require(Action.RELEASE)
    publication, wave = lock_publication(work, key=prepared.key)
    basis = _find_basis(work, publication, wave)
    if basis != prepared.basis:
        raise _changed_meanwhile(publication)
    _require_audited(work.session, wave, basis)
    publication.archive_sha256, signed = (
        prepared.archive.sha256,
        (actor_id(work.principal), work.now),
    )
    if basis.is_first:
        publication.snapshot_id, publication.seal_sha256 = basis.snapshot_id, basis.seal
        publication.state, publication.key_id = PublicationState.PLANNED, None
        publication.first_signed_by, publication.first_signed_at = signed
        publication.second_signed_by = publication.second_signed_at = None
        publication.one_person = ""
    if prepared.signing_key is not None:
        publication.key_id = _require_same_key(work, prepared)
    if basis.is_last and publication.state not in PUBLIC_STATES:
        publication.state = PublicationState.SIGNED
        publication.second_signed_by, publication.second_signed_at = signed
        publication.one_person = basis.one_person
    _record_signature(work, publication)
    prepared.archive.install()
    if publication.state in PUBLIC_STATES:
        enter_public_acts(work)
    return publication.state


def _changed_meanwhile(publication: Publication) -> PublicationNotAllowedError:
    return PublicationNotAllowedError(
        msg(
            "The release {release}, or results that it shows, changed while its files were built. "
            "They were thrown away. Please look at the release and sign again.",
            release=publication.key,
        )
    )


def _require_same_key(work: Work, prepared: PreparedSignature) -> str:
    """Return the id of the key of a prepared signature; raise if another key signs by now."""
    is_demo = prepared.manifest.demo
    key = find_signing_key(work, is_demo=is_demo)
    if prepared.signing_key is None or key.id != prepared.signing_key.id:
        raise PublicationNotAllowedError(
            msg("Another key signs releases since a moment ago. Please sign again.")
        )
    if is_demo:
        register_demo_key(work, key=key)
    return key.id


def _require_audited(session: Session, wave: Wave, basis: SignatureBasis) -> None:
    """Raise `RefusedError` unless a full audit found no hidden count to be known too closely."""
    if basis.snapshot_id is not None:
        require_whole_audit(session, wave, session.get_one(Snapshot, basis.snapshot_id))


def _find_basis(work: Work, publication: Publication, wave: Wave) -> SignatureBasis:
    """Return the state of release and results that the principal's signature would confirm now.

    Raises:
        PublicationNotAllowedError: this person cannot sign the release now.
    """
    release, key_id = publication.model_dump(), publication.key_id
    was_withdrawn = key_id is not None and is_withdrawn(work.session, key_id)
    if publication.state in PUBLIC_STATES and was_withdrawn:
        require_forward_clock(publication, work.now)
        return SignatureBasis(release, None, "", (), is_first=False, is_last=True, one_person="")
    _require_unpublished(publication)
    require_forward_clock(publication, work.now)
    snapshot, seal = get_sealed_snapshot(work.session, wave)
    is_first = (
        publication.first_signed_at is None
        or publication.seal_sha256 != seal
        or was_withdrawn
        or not are_earlier_waves_shown(work.settings, work.session, publication)
    )
    if publication.state is PublicationState.SIGNED and not is_first:
        raise PublicationNotAllowedError(
            msg("The release {release} is signed.", release=publication.key)
        )
    rule = get_people_rule(work, key=wave.key, act=WaveAct.RELEASE)
    if is_first:
        one_person = "" if rule is PeopleRule.TWO else rule.value
    else:
        one_person = approve(work.principal, rule, publication.first_signed_by, OwnSignatureError())
    if not is_first and not one_person:
        # Who reset them could have signed in as this person since the announcement.
        resets = list_credential_resets(
            work.session, actor_id(work.principal), since=publication.planned_at, until=work.now
        )
        if any(reset.by_id == publication.first_signed_by for reset in resets):
            raise ResetByFirstSignerError
    earlier = list_earlier_releases(work.settings, work.session, wave) if is_first else ()
    shown = (get_shown_snapshot(work.session, each.key) for each in earlier)
    return SignatureBasis(
        release,
        snapshot.id,
        seal,
        tuple((each.key, get_seal(work.session, snapshot)) for each, snapshot in shown),
        is_first=is_first,
        is_last=not is_first or bool(one_person),
        one_person=one_person,
    )


def _require_unpublished(publication: Publication) -> None:
    if publication.state is PublicationState.RETRACTED:
        raise PublicationNotAllowedError(
            msg("The release {release} does not stand any more.", release=publication.key)
        )
    if publication.state not in {PublicationState.PLANNED, PublicationState.SIGNED}:
        raise PublicationNotAllowedError(
            msg("The release {release} was published before.", release=publication.key)
        )


def _record_signature(work: Work, publication: Publication) -> None:
    work.add(
        publication,
        AuditEvent.RELEASE_SIGNED,
        publication.key,
        {
            "state": publication.state,
            "archive_sha256": publication.archive_sha256,
            "seal_sha256": publication.seal_sha256,
            **({"key": publication.key_id} if publication.key_id else {}),
            **({"one_person": publication.one_person} if publication.one_person else {}),
        },
    )


def get_sealed_snapshot(session: Session, wave: Wave) -> tuple[Snapshot, str]:
    """Return the final snapshot of a wave and its seal, one hash for all the snapshot's files.

    Raises:
        PublicationNotAllowedError: the newest snapshot is provisional.
        SnapshotNotFoundError: there is none.
    """
    _, snapshot = get_newest_snapshot(session, wave.key)
    if not snapshot.final:
        raise PublicationNotAllowedError(
            msg("The wave {wave} has no final results yet.", wave=wave.key)
        )
    return snapshot, get_seal(session, snapshot)
