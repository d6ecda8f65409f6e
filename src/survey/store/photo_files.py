"""Files of photos in the data folder, named by their SHA-256 and readable by their owner only."""

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from survey.store.private_files import FOLDER_MODE, open_private

SUFFIX = ".jpg"
_BEING_STORED = timedelta(days=1)
"""Time within which a file may lack its row, because its transaction has not ended."""


def photo_path(folder: Path, sha256: str) -> Path:
    """Return the file of a photo; the first two digits name a folder, so that none grows large."""
    return folder / sha256[:2] / f"{sha256}{SUFFIX}"


def save_photo_file(folder: Path, content: bytes) -> str:
    """Write a photo, complete or not at all, and return its SHA-256; equal photos are one file."""
    sha256 = hashlib.sha256(content).hexdigest()
    path = photo_path(folder, sha256)
    if path.exists():
        os.utime(path)  # It is as good as new: whoever deletes old files leaves it.
        return sha256
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    draft = path.with_name(f".{sha256}.{uuid4().hex}")
    try:
        with open(draft, "wb", opener=open_private) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return sha256


def read_photo_file(folder: Path, sha256: str) -> bytes | None:
    """Return the content of a photo; None if the file is missing or no longer what was stored."""
    try:
        content = photo_path(folder, sha256).read_bytes()
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == sha256 else None


def delete_photo_files(folder: Path, hashes: Iterable[str], at: datetime) -> int:
    """Delete files by their hashes, unless they are so new that a row is just being written."""
    newest = (at - _BEING_STORED).timestamp()
    deleted = 0
    for path in (photo_path(folder, sha256) for sha256 in hashes):
        if path.exists() and path.stat().st_mtime < newest:
            path.unlink(missing_ok=True)
            deleted += 1
    return deleted
