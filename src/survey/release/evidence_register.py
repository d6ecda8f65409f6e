"""Released evidence in the register: an edition is an archive with a signature, as of a wave.

Two people have released the check or the test; whoever could sign there has its files signed by the
key of the server. After an erratum a further edition corrects the one before. What was signed can
be taken back, and the published list of keys says so.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import Session, col, select

from survey.access.audit import actor_id, require_reason
from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Action
from survey.access.work import Case, Work
from survey.comparative_tests.access import TESTS
from survey.counts.trader_hearings import HEARINGS
from survey.experience_checks.plan import CHECKS
from survey.locale import Labels, Message, NotFoundError, RefusedError, labels_of, msg
from survey.release.archives import ArchiveDraft, draft_archive, read_archive, read_archived_file
from survey.release.evidence_files import (
    TABLES_FILE,
    EvidenceContents,
    Kind,
    build_check_contents,
    build_test_contents,
    build_trader_contents,
    find_public_trader,
)
from survey.release.manifest import EvidenceManifest, PublishedFile, describe_file
from survey.release.signing_keys import (
    SigningKey,
    find_signing_key,
    register_demo_key,
    request_time_stamp,
    require_valid_key,
)
from survey.release.verify import MANIFEST, SIGNATURE, TIME_STAMP
from survey.settings import Settings
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope
from survey.store.tables import EvidenceRelease
from survey.store.transactions import run_in_transaction


@dataclass(frozen=True)
class _Subject:
    """How a kind of evidence is found, who may file it, and what its files are."""

    case: Case[Any]
    action: Action
    prefix: str
    build: Callable[[Work, UUID], EvidenceContents]
    column: Any
    released_at: Callable[[Any], datetime | None] = lambda row: row.released_at


_SUBJECTS: Mapping[Kind, _Subject] = {
    "experience_check": _Subject(
        CHECKS, CHECKS.keeping, "check", build_check_contents, col(EvidenceRelease.check_id)
    ),
    "comparative_test": _Subject(
        TESTS,
        Action.RELEASE_PRODUCT_TESTS,
        "test",
        build_test_contents,
        col(EvidenceRelease.test_id),
    ),
    "trader": _Subject(
        HEARINGS,
        HEARINGS.keeping,
        "trader",
        build_trader_contents,
        col(EvidenceRelease.hearing_id),
        lambda row: None if row.taken_back_at else row.named_at,
    ),
}
KIND_NAMES: Mapping[Kind, Message] = {
    "experience_check": msg("Experience check"),
    "comparative_test": msg("Comparative test"),
    "trader": msg("Trader named in complaints"),
}


@dataclass(frozen=True)
class EvidenceSummary:
    """Edition of released evidence as the register lists it."""

    key: str
    kind: Kind
    title: Labels
    is_demo: bool
    released_at: datetime
    made_at: datetime
    archive_sha256: str
    key_id: str
    corrected_by: str
    """Id of the edition that replaced it; empty where it stands."""
    retracted_at: datetime | None
    retraction_reason: str
    is_hidden: bool
    """Whether it names a trader that is not public now; nobody gets its files."""
    may_sign: bool
    """Whether the principal could sign it, and so may take it back."""


@dataclass(frozen=True)
class _PreparedEvidence:
    """Signed archive of evidence in a draft, not yet in the register."""

    kind: Kind
    subject_id: UUID
    manifest: EvidenceManifest
    archive: ArchiveDraft
    signing_key: SigningKey


def file_evidence(
    settings: Settings,
    *,
    principal: Principal,
    kind: Kind,
    subject_id: UUID,
    clock: Callable[[], datetime],
) -> str:
    """Sign the files of a released check or test, enter them into the register; return their id.

    Call it outside of a transaction: a time stamp may take seconds.

    Raises:
        AccessDeniedError, NotFoundError: the principal could not sign it.
        RefusedError: it is not released, or the edition that stands has the same files.
        SigningKeyError: no key can sign.
        TimeStampError: a time stamp server is set and does not answer.
    """
    with read_scope(settings.store_url) as session:
        work = Work(session, principal, clock(), settings)
        prepared = _prepare_evidence(work, kind=kind, subject_id=subject_id)
    try:
        return run_in_transaction(
            settings.store_url,
            lambda session: _store_evidence(
                Work(session, principal, clock(), settings), prepared=prepared
            ),
        )
    finally:
        prepared.archive.draft.unlink(missing_ok=True)


def _prepare_evidence(work: Work, *, kind: Kind, subject_id: UUID) -> _PreparedEvidence:
    """Build and sign the files of a released check or test in a draft; store nothing.

    Raises: see `file_evidence`.
    """
    subject = _require_released(work, kind, subject_id)
    contents = subject.build(work, subject_id)
    editions = _list_editions(work.session, subject, subject_id)
    before = editions[-1] if editions else None
    manifest = EvidenceManifest(
        id=f"{subject.prefix}.{contents.key}-{len(editions) + 1}",
        kind=kind,
        key=contents.key,
        area=contents.area,
        demo=contents.is_demo,
        title=dict(contents.title),
        released_at=contents.released_at,
        software=version("hundred-cities-survey"),
        corrects=before.key if before else None,
        prepared_at=work.now,
        files=_describe_files(contents),
    )
    if before is not None and before.retracted_at is None:
        standing = EvidenceManifest.model_validate_json(
            read_archived_file(work.settings, before, MANIFEST)
        )
        if standing.files == manifest.files:
            raise subject.case.refuse(
                msg("The edition {release} has the same files already.", release=before.key)
            )
    # The key is the server's; whoever has the files signed need not announce releases of waves.
    key = find_signing_key(replace(work, principal=OPERATOR), is_demo=manifest.demo)
    signature = key.sign(manifest.to_bytes())
    stamp = request_time_stamp(work.settings, signature)
    files = {path: data for path, (_, data) in contents.files.items()}
    files |= {MANIFEST: manifest.to_bytes(), SIGNATURE: signature}
    if stamp:
        files[TIME_STAMP] = stamp
    archive = draft_archive(work.settings, manifest.id, files, work.now)
    return _PreparedEvidence(kind, subject_id, manifest, archive, key)


def _store_evidence(work: Work, *, prepared: _PreparedEvidence) -> str:
    """Enter a prepared edition into the register, install its archive, and return its id.

    Raises:
        RefusedError: another edition was entered meanwhile.
        SigningKeyError: the key was withdrawn meanwhile.
    """
    work.principal.require_changes_allowed()
    manifest, subject = prepared.manifest, _SUBJECTS[prepared.kind]
    _require_released(work, prepared.kind, prepared.subject_id)
    if prepared.kind == "trader":
        # The name may have been taken back, or answered, while the files were signed.
        contents = build_trader_contents(work, prepared.subject_id)
        if manifest.files != _describe_files(contents):
            raise subject.case.refuse(HEARINGS.changed)
    editions = _list_editions(work.session, subject, prepared.subject_id)
    if manifest.id != f"{subject.prefix}.{manifest.key}-{len(editions) + 1}":
        raise subject.case.refuse(msg("Somebody else has signed its files a moment ago."))
    if manifest.demo:
        register_demo_key(replace(work, principal=OPERATOR), key=prepared.signing_key)
    require_valid_key(work.session, prepared.signing_key.id)
    release = EvidenceRelease(
        key=manifest.id,
        check_id=prepared.subject_id if prepared.kind == "experience_check" else None,
        test_id=prepared.subject_id if prepared.kind == "comparative_test" else None,
        hearing_id=prepared.subject_id if prepared.kind == "trader" else None,
        title_zh=manifest.title.get("zh", manifest.key),
        title_en=manifest.title.get("en", manifest.key),
        is_demo=manifest.demo,
        released_at=manifest.released_at,
        archive_sha256=prepared.archive.sha256,
        key_id=prepared.signing_key.id,
        made_by=actor_id(work.principal),
        made_at=work.now,
    )
    detail = {"archive_sha256": release.archive_sha256, "key": release.key_id}
    work.add(release, AuditEvent.RELEASE_EVIDENCE_FILED, release.key, detail)
    prepared.archive.install()
    return release.key


def _require_released(work: Work, kind: Kind, subject_id: UUID) -> _Subject:
    """Return the kind; raise unless the principal could sign this one, and it is released."""
    subject = _SUBJECTS[kind]
    row = work.find(subject.case, subject_id, subject.action)
    if subject.released_at(row) is None:
        raise subject.case.refuse(msg("It is not released yet."))
    return subject


def _list_editions(
    session: Session, subject: _Subject, subject_id: UUID
) -> Sequence[EvidenceRelease]:
    query = select(EvidenceRelease).where(subject.column == subject_id)
    return sorted(session.exec(query), key=lambda each: int(each.key.rpartition("-")[2]))


def list_evidence_releases(work: Work) -> list[EvidenceSummary]:
    """Return every edition of released evidence that the principal may know of, newest first."""
    work.require(Action.READ_RESULTS)
    query = select(EvidenceRelease).order_by(
        col(EvidenceRelease.made_at).desc(), col(EvidenceRelease.key).desc()
    )
    rows = [row for row in work.session.exec(query) if row.is_demo or not work.principal.is_demo]
    newest: dict[UUID | None, str] = {}
    for row in rows:
        newest.setdefault(_subject_of(row), row.key)
    return [_summarise(work, row, newest[_subject_of(row)]) for row in rows]


def _subject_of(release: EvidenceRelease) -> UUID | None:
    return release.check_id or release.test_id or release.hearing_id


def _is_hidden(work: Work, release: EvidenceRelease) -> bool:
    """Return whether an edition names a trader that is not public now, for whatever reason."""
    return release.hearing_id is not None and find_public_trader(work, release.hearing_id) is None


def _describe_files(contents: EvidenceContents) -> tuple[PublishedFile, ...]:
    return tuple(
        describe_file(path, data, builder)
        for path, (builder, data) in sorted(contents.files.items())
    )


def _summarise(work: Work, row: EvidenceRelease, newest: str) -> EvidenceSummary:
    return EvidenceSummary(
        key=row.key,
        kind=_kind_of(row),
        title=labels_of(row, "title"),
        is_demo=row.is_demo,
        released_at=row.released_at,
        made_at=row.made_at,
        archive_sha256=row.archive_sha256,
        key_id=row.key_id,
        corrected_by="" if newest == row.key else newest,
        retracted_at=row.retracted_at,
        retraction_reason=row.retraction_reason,
        is_hidden=row.retracted_at is None and _is_hidden(work, row),
        may_sign=_may_sign(work, row),
    )


def _kind_of(release: EvidenceRelease) -> Kind:
    if release.hearing_id is not None:
        return "trader"
    return "experience_check" if release.check_id is not None else "comparative_test"


def _require_signatory(work: Work, release: EvidenceRelease) -> _Subject:
    """Return the kind of an edition; raise unless the principal could sign its check or test."""
    subject = _SUBJECTS[_kind_of(release)]
    subject_id = _subject_of(release)
    assert subject_id is not None
    work.find(subject.case, subject_id, subject.action)
    return subject


def _may_sign(work: Work, release: EvidenceRelease) -> bool:
    with suppress(AccessDeniedError, NotFoundError):
        _require_signatory(work, release)
        return True
    return False


def open_evidence_release(work: Work, *, key: str) -> bytes:
    """Return the archive of an edition as ZIP bytes.

    Raises:
        NotFoundError: there is none with this id.
        AccessDeniedError: it was taken back.
        ArchiveDamagedError: the files are not those that were signed.
    """
    return read_archive(work.settings, _find_readable(work, key))


def read_evidence_tables(work: Work, *, key: str, language: str) -> dict[str, Any]:
    """Return the tables of an edition, and the sentences above them, as signed.

    Raises: as `open_evidence_release`.
    """
    release = _find_readable(work, key)
    document = orjson.loads(read_archived_file(work.settings, release, TABLES_FILE))
    tables: dict[str, Any] = document[language]
    return tables


def _find_readable(work: Work, key: str) -> EvidenceRelease:
    work.require(Action.READ_RESULTS)
    release = _find(work, key)
    if release.retracted_at is not None:
        raise AccessDeniedError(msg("This release was taken back."))
    if _is_hidden(work, release):
        raise AccessDeniedError(msg("The trader is not named at present."))
    return release


def _find(work: Work, key: str) -> EvidenceRelease:
    query = select(EvidenceRelease).where(EvidenceRelease.key == key)
    release = work.session.exec(query).one_or_none()
    if release is None or (work.principal.is_demo and not release.is_demo):
        unknown = msg("There is no release {release}.", release=key[:80])
        raise NotFoundError("publication_unknown", unknown)
    return release


def retract_evidence(work: Work, *, key: str, reason: str) -> None:
    """Take an edition back and record why; one person who could sign it is enough.

    Raises:
        RefusedError: no reason is given, or it was taken back before.
    """
    work.require(Action.READ_RESULTS)
    work.principal.require_changes_allowed()
    release = _find(work, key)
    subject = _require_signatory(work, release)
    why = require_reason(reason, RefusedError("reason_missing", msg("Please give a reason.")))
    if release.retracted_at is not None:
        raise subject.case.refuse(msg("This release was taken back."))
    release.retracted_by, release.retracted_at = actor_id(work.principal), work.now
    release.retraction_reason = why
    work.add(release, AuditEvent.RELEASE_EVIDENCE_RETRACTED, key, {"reason": why})
