"""Archives of publications in the folder of releases, compared with the register when read."""

import hashlib
import os
from collections.abc import Mapping
from datetime import datetime
from io import BytesIO
from zipfile import BadZipFile, ZipFile

from survey.locale import SurveyError, msg
from survey.publish.publications.manifest import PublicationManifest, zip_files
from survey.publish.publications.verify import MANIFEST
from survey.settings import Settings
from survey.store.private_files import open_private
from survey.store.tables import Publication


class ArchiveDamagedError(SurveyError):
    """Raised when the archive of a publication is missing or is not the one that was signed."""

    code = "archive_damaged"


def write_archive(
    settings: Settings, key: str, files: Mapping[str, bytes], at: datetime
) -> str:  # fmt: skip
    """Write the archive of a publication and return its SHA-256, which is part of its name.

    It is there before the register knows it; what a failed transaction leaves behind is read by
    nobody.
    """
    data = zip_files(files, at)
    sha256 = hashlib.sha256(data).hexdigest()
    path = settings.release_path(key, sha256)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with open(draft, "wb", opener=open_private) as file:
        file.write(data)
    draft.replace(path)
    return sha256


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
    try:
        with ZipFile(BytesIO(read_archive(settings, publication))) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except BadZipFile as error:
        raise ArchiveDamagedError(
            msg("The files of release {release} cannot be read.", release=publication.key)
        ) from error


def read_archived_manifest(files: Mapping[str, bytes]) -> PublicationManifest:
    """Return the manifest among the files of a publication."""
    return PublicationManifest.model_validate_json(files[MANIFEST])
