"""Files of responses that an interrupted freeze had written, for the next freeze.

A file is taken again only if the store still holds exactly the responses that it was made of. What
nobody took up is removed after a day, and so is the draft of a freeze that was killed: a withdrawn
interview must not stay in them.
"""

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from survey.snapshot.response_files import ResponseFile
from survey.snapshot.snapshot_files import (
    DRAFT_PREFIX,
    SnapshotDamagedError,
    read_verified,
    replace_file,
)
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

    def link_into(self, draft: Path, name: str, fingerprint: str) -> ResponseFile | None:
        """Put a kept file into a draft and return it; None without one of the same responses."""
        try:
            kept = _KeptFile.model_validate_json(self._locate_description(name).read_bytes())
            if kept.fingerprint != fingerprint:
                return None
            os.link(self._folder / name, draft / name)
            # Compared where it now lies: another freeze may replace the kept one.
            read_verified(draft / name, kept.file.sha256)
        except (OSError, ValidationError, SnapshotDamagedError):
            (draft / name).unlink(missing_ok=True)
            return None
        return kept.file

    def keep(self, draft: Path, file: ResponseFile, fingerprint: str) -> None:
        """Keep a file of a draft, where the file system has hard links."""
        # A freeze does not need it, and another freeze of the wave may remove the folder.
        with suppress(OSError):
            self._folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            self._locate_description(file.name).unlink(missing_ok=True)
            (self._folder / file.name).unlink(missing_ok=True)
            os.link(draft / file.name, self._folder / file.name)
            kept = _KeptFile(fingerprint=fingerprint, file=file)
            replace_file(self._locate_description(file.name), kept.model_dump_json().encode())

    def remove(self) -> None:
        """Remove all files that are kept."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _locate_description(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def remove_old_unfinished(root: Path, *, max_age_seconds: float = MAX_AGE_SECONDS) -> int:
    """Remove kept files that no freeze used in time and old drafts, and return their files' number.

    A draft is as old as the last file that was written to it.
    """
    oldest = time.time() - max_age_seconds
    removed = 0
    for path in root.glob(f"*/{UNFINISHED}/*"):
        # A freeze may remove or replace files at this moment.
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest:
                path.unlink()
                removed += 1
    for draft in root.glob(f"*/{DRAFT_PREFIX}*"):
        with suppress(FileNotFoundError):
            if draft.stat().st_mtime < oldest:
                removed += len(list(draft.iterdir()))
                shutil.rmtree(draft, ignore_errors=True)
                # Of a wave that has no snapshot.
                with suppress(OSError):
                    draft.parent.rmdir()
    for folder in root.glob(f"*/{UNFINISHED}"):
        with suppress(OSError):
            folder.rmdir()
    return removed
