"""Archives of publications in the folder of releases, compared with the register when read."""

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from survey.locale import SurveyError, msg
from survey.publish.publications.manifest import PublicationManifest, zip_files
from survey.publish.publications.verify import MANIFEST
from survey.settings import Settings
from survey.store.private_files import FOLDER_MODE
from survey.store.tables import Publication

_DRAFT = ".draft-"
_DRAFTS_KEPT_SECONDS = 24 * 3600


class ArchiveDamagedError(SurveyError):
    """Raised when the archive of a publication is missing or is not the one that was signed."""

    code = "archive_damaged"


@dataclass(frozen=True)
class ArchiveDraft:
    """Archive that was written beside its place; the register does not know it yet."""

    draft: Path
    path: Path
    """Its place, named by id and hash."""
    sha256: str

    def install(self) -> None:
        """Move it into place: the last act before the transaction commits, which may run again."""
        if self.draft.exists() or not self.path.exists():
            self.draft.replace(self.path)


def draft_archive(
    settings: Settings, key: str, files: Mapping[str, bytes], at: datetime
) -> ArchiveDraft:
    """Write the archive of a publication beside its place, where nobody reads it.

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


def read_archive(settings: Settings, publication: Publication) -> bytes:
    """Return the archive of a publication. Raises `ArchiveDamagedError`."""
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
    """Return the files of a publication by path. Raises `ArchiveDamagedError`."""
    with _open_archive(settings, publication) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def read_archived_file(settings: Settings, publication: Publication, path: str) -> bytes:
    """Return one file of a publication. Raises `ArchiveDamagedError`."""
    with _open_archive(settings, publication) as archive:
        return archive.read(path)


@contextmanager
def _open_archive(settings: Settings, publication: Publication) -> Iterator[ZipFile]:
    try:
        with ZipFile(BytesIO(read_archive(settings, publication))) as archive:
            yield archive
    except BadZipFile as error:
        raise ArchiveDamagedError(
            msg("The files of release {release} cannot be read.", release=publication.key)
        ) from error


def read_archived_manifest(files: Mapping[str, bytes]) -> PublicationManifest:
    """Return the manifest among the files of a publication."""
    return PublicationManifest.model_validate_json(files[MANIFEST])
