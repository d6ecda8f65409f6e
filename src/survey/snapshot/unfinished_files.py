"""Files of responses that a freeze had written when it was cut off, for the next one to go on from.

A file is taken again only if the store still holds exactly the responses that it was made of. What
nobody took up is removed after a day: a withdrawn interview must not stay in it.
"""

import os
import shutil
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from survey.snapshot.response_files import ResponseFile
from survey.snapshot.snapshot_files import SnapshotDamagedError, read_verified, replace_file
from survey.store.private_files import FOLDER_MODE

UNFINISHED = ".unfinished"
"""Folder of kept files beside the snapshots of a wave."""
MAX_AGE_SECONDS = 24 * 3600


class _KeptFile(BaseModel):
    """File with the fingerprint of the stored responses that it was made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str
    file: ResponseFile


class UnfinishedFiles:
    """Files that are kept until the freeze of their wave has ended well."""

    def __init__(self, root: Path, wave: str) -> None:
        self._folder = root / wave / UNFINISHED

    def take(self, draft: Path, name: str, fingerprint: str) -> ResponseFile | None:
        """Put a kept file into a draft; None if there is none of the same responses."""
        try:
            kept = _KeptFile.model_validate_json(self._description(name).read_bytes())
            if kept.fingerprint != fingerprint:
                return None
            read_verified(self._folder / name, kept.file.sha256)
            os.link(self._folder / name, draft / name)
        except (OSError, ValidationError, SnapshotDamagedError):
            return None
        return kept.file

    def keep(self, draft: Path, file: ResponseFile, fingerprint: str) -> None:
        """Keep a file of a draft."""
        self._folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        self._description(file.name).unlink(missing_ok=True)
        (self._folder / file.name).unlink(missing_ok=True)
        os.link(draft / file.name, self._folder / file.name)
        kept = _KeptFile(fingerprint=fingerprint, file=file)
        replace_file(self._description(file.name), kept.model_dump_json().encode())

    def remove(self) -> None:
        """Remove all files that are kept."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _description(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def remove_old_unfinished(root: Path, *, max_age_seconds: float = MAX_AGE_SECONDS) -> int:
    """Remove kept files that no freeze took up in time; return the number of waves."""
    removed = 0
    for folder in root.glob(f"*/{UNFINISHED}"):
        newest = max((path.stat().st_mtime for path in folder.iterdir()), default=0.0)
        if time.time() - newest > max_age_seconds:
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed
