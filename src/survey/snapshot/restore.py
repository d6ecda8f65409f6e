"""Restore of a backup: checked before anything is changed, then everything or nothing."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from survey.access.audit import record
from survey.access.principal import Principal
from survey.access.roles import Action
from survey.locale import SurveyError, msg
from survey.settings import Settings
from survey.snapshot.backup import BACKUP_FILES, check_backup
from survey.store.audit_events import AuditEvent
from survey.store.backup.archive import FilePart, TablePart, read_archive
from survey.store.backup.encryption import BackupSecret
from survey.store.backup.errors import checksum_error
from survey.store.backup.loader import StoreLoader
from survey.store.backup.manifest import BackupManifest
from survey.store.engine import dispose_engines
from survey.store.private_files import FOLDER_MODE, close_to_others, open_private
from survey.store.transactions import run_in_transaction


class FilesNotRestoredError(SurveyError):
    """Raised when the data folder cannot be written; store and files are as before."""

    code = "files_not_restored"


def restore(
    settings: Settings,
    *,
    source: Path,
    secret: BackupSecret | None,
    actor: Principal,
    now: datetime,
    replace: bool = False,
) -> BackupManifest:
    """Replace the present store and snapshots by those of a backup.

    The backup may come from the other kind of database, and from an older version of the software.

    Raises:
        BackupDamagedError, BackupLockedError, BackupTooNewError: nothing was touched.
        StoreOccupiedError: it holds data and `replace` was not said, or somebody is using it.
        BackupRefusedError, FilesNotRestoredError: something failed on the way; all is as it was
        before.
    """
    actor.require(Action.ADMINISTER)
    manifest = check_backup(source, secret)
    _require_known_files(manifest)
    loading = StoreLoader(settings.store_url, manifest, lambda: _tables(source, secret))
    try:
        settings.data_dir.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        loading.require_compatible(replace=replace)
        with tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.data_dir) as name:
            _unpack(source, secret, Path(name) / "new")
            with _install_files(Path(name), settings.data_dir) as place, loading.load():
                for unit in _units(manifest):
                    place(unit)
    except OSError as error:
        raise FilesNotRestoredError(
            msg(
                "The files cannot be restored to {folder}: {reason}. All is as it was before.",
                folder=settings.data_dir,
                reason=error.strerror,
            )
        ) from error
    dispose_engines()
    close_to_others(settings)
    run_in_transaction(
        settings.store_url,
        lambda session: record(
            session=session,
            actor=actor,
            event=AuditEvent.STORE_RESTORED,
            subject_id=manifest.migration,
            now=now,
            detail={"made_at": manifest.made_at.isoformat(), "rows": manifest.rows},
        ),
    )
    return manifest


def _tables(source: Path, secret: BackupSecret | None) -> Iterator[TablePart]:
    with source.open("rb") as stream:
        for part in read_archive(stream, secret):
            if isinstance(part, TablePart):
                yield part


def _unpack(source: Path, secret: BackupSecret | None, folder: Path) -> None:
    with source.open("rb") as stream:
        for part in read_archive(stream, secret):
            if isinstance(part, FilePart):
                path = folder / part.name
                path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
                with open(path, "wb", opener=open_private) as file:
                    file.write(part.content)


def _require_known_files(manifest: BackupManifest) -> None:
    """Raise unless the backup holds snapshots and known files only."""
    for file in manifest.files:
        steps = file.name.split("/")
        if file.name not in BACKUP_FILES and (len(steps) != 4 or steps[0] != "snapshots"):
            raise checksum_error(file.name)


def _units(manifest: BackupManifest) -> list[str]:
    """Return what is moved as a whole: a snapshot's folder, or a single file."""
    names = {file.name for file in manifest.files}
    return sorted({name.rpartition("/")[0] if "/" in name else name for name in names})


@contextmanager
def _install_files(work: Path, data_dir: Path) -> Iterator[Callable[[str], None]]:
    """Move files into the data folder; restore the earlier ones when the block raises."""
    done: list[tuple[Path, Path | None]] = []

    def place(unit: str) -> None:
        final, aside = data_dir / unit, None
        if final.exists():
            aside = work / "old" / unit
            aside.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(final, aside)
        done.append((final, aside))
        final.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(work / "new" / unit, final)

    try:
        yield place
    except BaseException:
        for final, aside in reversed(done):
            shutil.rmtree(final) if final.is_dir() else final.unlink(missing_ok=True)
            if aside is not None:
                shutil.move(aside, final)
        raise
