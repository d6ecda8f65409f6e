"""Notes of files that are being written with answers in them, so that none outlives its work.

Work that is killed removes nothing behind itself. It leaves its note in the data folder, and nobody
holds the note's lock any more: what the note names is then removed by the next such work, or by the
server within an hour.
"""

import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from survey.store.private_files import FOLDER_MODE, open_private

if sys.platform != "win32":
    from fcntl import LOCK_EX, LOCK_NB, flock

_NOTE_PREFIX = ".writing-"
RESTORE_PREFIX = ".restore-"


@contextmanager
def noted_work(data_dir: Path, *paths: Path) -> Iterator[None]:
    """Note that files or folders are being written, until the block ends."""
    remove_unfinished_work(data_dir)
    data_dir.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    note = data_dir / f"{_NOTE_PREFIX}{uuid4().hex}"
    with open(note, "w", encoding="utf-8", opener=open_private) as file:
        hold(file)
        file.write("\n".join(str(path.absolute()) for path in paths))
        file.flush()
        try:
            yield
        finally:
            note.unlink(missing_ok=True)


def hold(file: IO[Any]) -> None:
    """Lock an open file until it is closed or the process ends."""
    if sys.platform != "win32":
        flock(file, LOCK_EX)


def remove_unheld(paths: Iterable[Path]) -> None:
    """Remove the files that nobody holds."""
    for path in paths:
        with suppress(FileNotFoundError), path.open("r+b") as file:
            if _is_unheld(file):
                path.unlink()


def list_unfinished_work(data_dir: Path) -> list[Path]:
    """Return the files and folders that work left behind that was killed."""
    return [path for _, paths in _read_notes(data_dir) for path in paths if path.exists()]


def remove_unfinished_work(data_dir: Path) -> None:
    """Remove what work left behind that was killed, and its notes."""
    for note, paths in _read_notes(data_dir):
        for path in paths:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        note.unlink(missing_ok=True)


def _read_notes(data_dir: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Yield the notes whose work has ended, with what they name.

    A folder of a restore without a note is one of a version that made none.
    """
    noted = set()
    for note in sorted(data_dir.glob(f"{_NOTE_PREFIX}*")):
        with suppress(FileNotFoundError), note.open("r+", encoding="utf-8") as file:
            paths = [Path(line) for line in file.read().splitlines()]
            noted.update(paths)
            if paths and _is_unheld(file):
                yield note, paths
    for folder in sorted(data_dir.absolute().glob(f"{RESTORE_PREFIX}*")):
        if folder not in noted:
            yield folder / _NOTE_PREFIX, [folder]


def _is_unheld(file: IO[Any]) -> bool:
    if sys.platform == "win32":  # No lock there ends with its process: nothing is removed.
        return False
    try:
        flock(file, LOCK_EX | LOCK_NB)
    except OSError:
        return False
    return True
