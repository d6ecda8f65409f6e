"""Archives of publications in the folder of releases, compared with the register and checked."""

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from cryptography import x509

from survey.locale import Message, SurveyError, msg
from survey.release.manifest import PublicationManifest, zip_files
from survey.release.signing_keys import TimeStampError, check_time_stamp, is_signed_by_library
from survey.release.verify import (
    MANIFEST,
    MAX_SIGNATURE_BYTES,
    MAX_TIME_STAMP_BYTES,
    READ_ERRORS,
    SIGNATURE,
    TIME_STAMP,
    CheckResult,
    Finding,
    KeyList,
    check_path,
    open_release,
    read_whole,
)
from survey.settings import Settings
from survey.store.private_files import FOLDER_MODE
from survey.store.tables import EvidenceRelease, Publication

PROBLEM_NAMES: Mapping[str, Message] = {
    "no_manifest": msg("There is no release.json beside it to compare with."),
    "no_signature": msg("The signature (release.sig) is missing or cannot be read."),
    "no_keys": msg("The published keys of the association were not given (--keys)."),
    "key_unknown": msg("It was signed with a key that is not among the published ones."),
    "key_withdrawn": msg("It was signed with a key that was withdrawn."),
    "key_of_demo": msg("A key of demonstrations signs no real release."),
    "signature": msg("It is not what was signed: it was changed."),
    "manifest_form": msg("It is not a manifest that can be understood."),
    "retracted": msg("The association has taken this release back."),
    "missing": msg("This file is missing."),
    "changed": msg("It was changed."),
    "unlisted": msg("It is not part of the release."),
    "unsafe_name": msg("Its name leads out of the folder."),
    "twice": msg("It stands in the archive twice."),
    "hidden_bytes": msg("It holds bytes that are no part of its files, or these in another order."),
    "unreadable": msg("It cannot be read."),
    "time_stamp": msg("The time stamp does not hold."),
    "log_form": msg("The entries of the log are not those of its checkpoint."),
    "log_signature": msg("The checkpoint is not signed with a published key that stands."),
    "log_other": msg("It is not the same log as the one seen before."),
    "log_older": msg("It is older than what was seen before."),
    "log_history": msg("The history of the log was rewritten."),
    "not_witnessed": msg("The named witness has not signed it."),
    "not_logged": msg("The log has no entry of this release."),
}
"""Problem of a finding -> what it means."""


def describe_finding(finding: Finding) -> Message:
    """Return one finding of a release's check as a sentence: the file, what is wrong, and where."""
    problem = PROBLEM_NAMES[finding.problem]
    if finding.problem == "changed" and finding.detail:
        return msg(
            "{file}: {problem} Bytes or parts that differ: {detail}",
            file=finding.file, problem=problem, detail=finding.detail,
        )  # fmt: skip
    if finding.detail:
        return msg(
            "{file}: {problem} ({detail})",
            file=finding.file,
            problem=problem,
            detail=finding.detail,
        )
    return msg("{file}: {problem}", file=finding.file, problem=problem)


def check_published_path(
    path: Path, published: KeyList | None, authorities: Sequence[x509.Certificate] = ()
) -> tuple[CheckResult, datetime | None]:
    """Check a release by `published` keys and stamp `authorities`; return findings, time of stamp.

    Returns:
        What differs, and when it was stamped; None without a stamp or without authorities.
    """
    result = check_path(path, published, is_signed_by_library)
    if not authorities or not result.manifest:
        return result, None
    try:
        with open_release(path) as (release, _):
            stamp = read_whole(release, TIME_STAMP, MAX_TIME_STAMP_BYTES)
            signature = read_whole(release, SIGNATURE, MAX_SIGNATURE_BYTES)
        return result, check_time_stamp(stamp, signature, authorities)
    except TimeStampError:
        finding = Finding(TIME_STAMP, "time_stamp")
        others = [each for each in result.findings if each != finding]
        return result._replace(findings=[*others, finding]), None
    except READ_ERRORS:  # it is missing, or `check_path` has found that it cannot be read
        return result, None


_DRAFT = ".draft-"
_DRAFTS_KEPT_SECONDS = 24 * 3600


class ArchiveDamagedError(SurveyError):
    """Raised when the archive of a publication is missing or is not the one that was signed."""

    code = "archive_damaged"


@dataclass(frozen=True)
class ArchiveDraft:
    """Archive of a release in a temporary file beside its final path, not yet in the register."""

    draft: Path
    path: Path
    """Its place, named by id and hash."""
    sha256: str

    def install(self) -> None:
        """Rename the draft to its final path, just before the commit; a repeat changes nothing."""
        if self.draft.exists() or not self.path.exists():
            self.draft.replace(self.path)


def draft_archive(
    settings: Settings, key: str, files: Mapping[str, bytes], at: datetime
) -> ArchiveDraft:
    """Write a release's archive, its files dated `at`, to a temporary file beside its final path.

    Drafts that a process left behind when it was killed are removed a day later.
    """
    data = zip_files(files, at)
    sha256 = hashlib.sha256(data).hexdigest()
    path = settings.release_path(key, sha256)
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    _remove_old_drafts(path.parent)
    descriptor, name = tempfile.mkstemp(prefix=_DRAFT, dir=path.parent)
    draft = ArchiveDraft(Path(name), path, sha256)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        draft.draft.unlink(missing_ok=True)
        raise
    return draft


def _remove_old_drafts(folder: Path) -> None:
    oldest = time.time() - _DRAFTS_KEPT_SECONDS
    for draft in folder.glob(f"{_DRAFT}*"):
        with suppress(OSError):
            if draft.stat().st_mtime < oldest:
                draft.unlink()


def read_archive(settings: Settings, publication: Publication | EvidenceRelease) -> bytes:
    """Return the archive as ZIP bytes; raise `ArchiveDamagedError` unless it is the signed one."""
    path = settings.release_path(publication.key, publication.archive_sha256)
    try:
        data = path.read_bytes()
    except OSError:
        data = b""
    if hashlib.sha256(data).hexdigest() != publication.archive_sha256:
        raise ArchiveDamagedError(
            msg(
                "The files of release {release} are missing or were changed. Put the folder of "
                "releases back from a copy.",
                release=publication.key,
            )
        )
    return data


def read_archived_files(settings: Settings, publication: Publication) -> dict[str, bytes]:
    """Return path -> content of all files of a release. Raises `ArchiveDamagedError`."""
    with _open_archive(settings, publication) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def read_archived_file(
    settings: Settings, publication: Publication | EvidenceRelease, path: str
) -> bytes:
    """Return the content of one file of a publication. Raises `ArchiveDamagedError`."""
    with _open_archive(settings, publication) as archive:
        return archive.read(path)


@contextmanager
def _open_archive(
    settings: Settings, publication: Publication | EvidenceRelease
) -> Iterator[ZipFile]:
    try:
        with ZipFile(BytesIO(read_archive(settings, publication))) as archive:
            yield archive
    except BadZipFile as error:
        raise ArchiveDamagedError(
            msg("The files of release {release} cannot be read.", release=publication.key)
        ) from error


def read_archived_manifest(settings: Settings, publication: Publication) -> PublicationManifest:
    """Return the parsed `release.json` of a publication. Raises `ArchiveDamagedError`."""
    content = read_archived_file(settings, publication, MANIFEST)
    return PublicationManifest.model_validate_json(content)
