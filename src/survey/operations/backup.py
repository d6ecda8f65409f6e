"""Backup of all that cannot be computed again: store, snapshots, releases, photos; and its restore.

A backup is checked before anything is changed; then everything is restored or nothing.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from sqlalchemy import Column, Connection, select
from sqlmodel import Session

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import RefusedError, SurveyError, msg
from survey.settings import Settings
from survey.snapshots.seals import Seals, find_seals
from survey.snapshots.snapshot_files import content_sha256
from survey.store.audit_events import AuditEvent
from survey.store.backup.archive import (
    ArchiveWriter,
    FilePart,
    TablePart,
    columns_of,
    consistent_read,
    foreign_tables,
    key_of,
    migration_of,
    read_archive,
    require_current,
    schema_tables,
    table_lines,
    verify_archive,
)
from survey.store.backup.encryption import BackupSecret
from survey.store.backup.loader import StoreLoader, require_known_migration
from survey.store.backup.manifest import BackupDamagedError, BackupManifest, checksum_error
from survey.store.engine import dispose_engines, read_scope
from survey.store.private_files import (
    FOLDER_MODE,
    RESTORE_PREFIX,
    close_to_others,
    hold,
    noted_work,
    open_private,
    photo_path,
    read_photo_file,
    remove_unheld,
)
from survey.store.tables import EvidenceRelease, Photo, Publication, SamplePhoto, Snapshot, table_of
from survey.store.transactions import run_in_transaction

BACKUP_FILES = ("demo.json",)
BACKUP_SETTINGS = (
    "language",
    "public_url",
    "demo",
    "public_rate_per_minute",
    "trusted_proxies",
    "look_at_new",
)
_SNAPSHOTS, _RELEASES, _PHOTOS = "snapshots", "releases", "photos"
_FOLDERS = {_SNAPSHOTS: 3, _RELEASES: 1, _PHOTOS: 2}
"""Folders of a backup, with the steps below each."""
_FILE_NAMES = {
    _RELEASES: re.compile(r"[A-Za-z0-9][\w.\-]*\.zip"),
    _PHOTOS: re.compile(r"[0-9a-f]{64}\.jpg"),
}
_DATED_DRAFTS = ".survey-*.backup.partial"
"""What killed backups leave in a folder of dated files; the data folder may be closed to them."""
_TRIES = 5
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


class BackupNotWrittenError(SurveyError):
    """Raised when a backup cannot be written to its target; no part of it is left there."""

    code = "backup_not_written"


def create_backup(
    settings: Settings,
    *,
    target: Path,
    secret: BackupSecret | None,
    actor: Principal,
    now: datetime,
) -> BackupManifest:
    """Write the store as of one moment, snapshots, releases and photos to the file `target`.

    Others may read and write meanwhile. The file appears under its name when it is complete and
    on the disk, readable by its owner only.

    Raises:
        NotFoundError: no store, or one that another version of the software made.
        BackupNotWrittenError: no space, no right to write there, or a file is there already.
    """
    actor.require(Action.ADMINISTER)
    require_current(settings.store_url)
    draft = target.with_name(f".{target.name}.partial")
    try:
        if target.exists():
            raise FileExistsError(17, os.strerror(17))
        remove_unheld(target.parent.glob(_DATED_DRAFTS))
        with os.fdopen(os.open(draft, _NEW, 0o600), "wb") as sink:
            hold(sink)
            manifest = _write_archive(settings, sink, secret, now)
            sink.flush()
            os.fsync(sink.fileno())
        draft.replace(target)
    except OSError as error:
        raise BackupNotWrittenError(
            msg(
                "The backup {target} cannot be written: {reason}.",
                target=target,
                reason=error.strerror,
            )
        ) from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    run_in_transaction(
        settings.store_url,
        lambda session: Work(session, actor, now, settings).record(
            AuditEvent.STORE_BACKED_UP,
            manifest.migration,
            {
                "made_at": manifest.made_at.isoformat(),
                "rows": manifest.rows,
                "files": len(manifest.files),
            },
        ),
    )
    return manifest


def check_backup(path: Path, secret: BackupSecret | None) -> BackupManifest:
    """Read a whole backup, compare it with its manifest and return this; raises if it differs.

    Raises:
        BackupDamagedError, BackupLockedError, RefusedError: it is not whole, it does not open,
        or it needs a newer version of the software.
    """
    try:
        with path.open("rb") as source:
            manifest = verify_archive(source, secret)
    except OSError as error:
        raise BackupDamagedError(
            msg("{path} cannot be read: {reason}.", path=path, reason=error.strerror)
        ) from error
    _require_known_files(manifest)
    require_known_migration(manifest)
    return manifest


def _write_archive(
    settings: Settings, sink: BinaryIO, secret: BackupSecret | None, now: datetime
) -> BackupManifest:
    archive = ArchiveWriter(sink, secret)
    try:
        return _fill_archive(settings, archive, now)
    except BaseException:
        archive.discard()
        raise


def _fill_archive(settings: Settings, archive: ArchiveWriter, now: datetime) -> BackupManifest:
    with consistent_read(settings.store_url) as connection:
        for table in schema_tables():
            columns, key = columns_of(table), key_of(table)
            lines = table_lines(connection, table.name, columns, key)
            archive.add_table(table.name, columns, key, lines)
        folders = _list_distinct(connection, table_of(Snapshot).c.directory)
        reading = Session(connection)
        seals = {name: find_seals(reading, name) for name in folders}
        migration, left_out = migration_of(connection), foreign_tables(connection)
        database = connection.dialect.name
        releases = _list_release_archives(connection)
        photos = sorted(
            {
                sha256
                for table in (table_of(Photo), table_of(SamplePhoto))
                for sha256 in _list_distinct(connection, table.c.sha256)
            }
        )
    missing = [name for name in folders if not _add_snapshot(settings, archive, name, seals[name])]
    missing_releases = [
        key for key, sha256 in releases if not _add_release(settings, archive, key, sha256)
    ]
    missing_photos = [sha256 for sha256 in photos if not _add_photo(settings, archive, sha256)]
    for name in BACKUP_FILES:
        path = settings.data_dir / name
        if path.exists():
            archive.add_file(name, path.read_bytes())
    manifest = BackupManifest(
        software=version("hundred-cities-survey"),
        migration=str(migration),
        made_at=now,
        database="postgresql" if database == "postgresql" else "sqlite",
        settings={name: str(getattr(settings, name)) for name in BACKUP_SETTINGS},
        tables=tuple(archive.tables),
        files=tuple(archive.files),
        missing_snapshots=tuple(missing),
        missing_releases=tuple(missing_releases),
        missing_photos=tuple(missing_photos),
        left_out=tuple(left_out),
    )
    archive.finish(manifest)
    return manifest


def _list_distinct(connection: Connection, column: Column[str]) -> list[str]:
    return list(connection.execute(select(column).distinct().order_by(column)).scalars())


def _list_release_archives(connection: Connection) -> list[tuple[str, str]]:
    """Return key and archive SHA-256 of every release that has an archive, of evidence as well."""
    return sorted(
        (row.key, row.archive_sha256)
        for table in (table_of(Publication), table_of(EvidenceRelease))
        for row in connection.execute(
            select(table.c.key, table.c.archive_sha256).where(table.c.archive_sha256 != "")
        )
    )


def _add_release(settings: Settings, archive: ArchiveWriter, key: str, sha256: str) -> bool:
    """Add a release's archive to the backup; return False if it is missing or was changed."""
    path = settings.release_path(key, sha256)
    try:
        content = path.read_bytes()
    except OSError:
        return False
    if hashlib.sha256(content).hexdigest() != sha256:
        return False
    archive.add_file(f"{_RELEASES}/{path.name}", content)
    return True


def _add_photo(settings: Settings, archive: ArchiveWriter, sha256: str) -> bool:
    """Add a photo's file to the backup; return False if it is missing or was changed."""
    content = read_photo_file(settings.photo_dir, sha256)
    if content is None:
        return False
    path = photo_path(settings.photo_dir, sha256)
    archive.add_file(f"{_PHOTOS}/{path.relative_to(settings.photo_dir)}", content)
    return True


def _add_snapshot(
    settings: Settings, archive: ArchiveWriter, directory: str, seals: Seals | None
) -> bool:
    """Add a snapshot's files, as sealed in the store, to the backup; False if the folder is gone.

    Freezing names a folder in the store when it is complete. `seals` are those of the moment that
    the backup holds: files that were computed anew since would not open when they are restored.
    """
    folder = settings.snapshot_dir / directory
    if not folder.is_dir():
        return False
    contents = _read_unchanged(folder)
    digests = {path.name: content_sha256(content) for path, content in contents}
    if seals is not None and digests != dict(seals):
        with read_scope(settings.store_url) as session:
            if find_seals(session, directory) != seals:
                raise _build_in_progress_error(folder)
    for path, content in contents:
        archive.add_file(f"{_SNAPSHOTS}/{directory}/{path.name}", content)
    return True


def _read_unchanged(folder: Path) -> list[tuple[Path, bytes]]:
    """Return (path, content) of a folder's files, read anew if one changed meanwhile."""
    for _ in range(_TRIES):
        before = _measure_ages(folder)
        contents = [(path, path.read_bytes()) for path in before]
        if _measure_ages(folder) == before:
            return contents
    raise _build_in_progress_error(folder)


def _build_in_progress_error(folder: Path) -> BackupNotWrittenError:
    return BackupNotWrittenError(
        msg(
            "The tables in {folder} are being computed anew; back up when that is done.",
            folder=folder,
        )
    )


def _measure_ages(folder: Path) -> dict[Path, int]:
    return {
        path: path.stat().st_mtime_ns
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.name.startswith(".")
    }


def restore(
    settings: Settings,
    *,
    source: Path,
    secret: BackupSecret | None,
    actor: Principal,
    now: datetime,
    replace: bool = False,
) -> BackupManifest:
    """Restore a backup's store and files, in place of present if `replace`; return its manifest.

    The backup may come from the other kind of database, and from an older version of the software.

    Raises:
        BackupDamagedError, BackupLockedError, RefusedError: nothing was touched.
        StoreOccupiedError: it holds data and `replace` was not said, or somebody is using it.
        RefusedError: something failed on the way; all is as it was
        before.
    """
    actor.require(Action.ADMINISTER)
    manifest = check_backup(source, secret)
    loading = StoreLoader(settings.store_url, manifest, lambda: _read_tables(source, secret))
    try:
        settings.data_dir.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        loading.require_compatible(replace=replace)
        work = settings.data_dir / f"{RESTORE_PREFIX}{uuid4().hex}"
        with noted_work(settings.data_dir, work, *loading.drafts), _temporary_folder(work):
            _unpack(source, secret, work / "new")
            with _install_files(work, settings.data_dir) as place, loading.load():
                for unit in _list_units(manifest):
                    place(unit)
    except OSError as error:
        raise RefusedError(
            "files_not_restored",
            msg(
                "The files cannot be restored to {folder}: {reason}. All is as it was before.",
                folder=settings.data_dir,
                reason=error.strerror,
            ),
        ) from error
    dispose_engines()
    close_to_others(settings)
    run_in_transaction(
        settings.store_url,
        lambda session: Work(session, actor, now, settings).record(
            AuditEvent.STORE_RESTORED,
            manifest.migration,
            {"made_at": manifest.made_at.isoformat(), "rows": manifest.rows},
        ),
    )
    return manifest


@contextmanager
def _temporary_folder(path: Path) -> Iterator[None]:
    path.mkdir(mode=FOLDER_MODE)
    try:
        yield
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _read_tables(source: Path, secret: BackupSecret | None) -> Iterator[TablePart]:
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
    """Raise unless all files of a backup are of the kinds that backups contain."""
    for file in manifest.files:
        folder, *steps = file.name.split("/")
        known = folder in _FOLDERS and len(steps) == _FOLDERS[folder]
        name = _FILE_NAMES.get(folder)
        known &= name is None or name.fullmatch(steps[-1]) is not None
        if file.name not in BACKUP_FILES and not known:
            raise checksum_error(file.name)


def _list_units(manifest: BackupManifest) -> list[str]:
    """Return the paths to move at a restore: snapshot folders as a whole, other files singly."""
    names = {file.name for file in manifest.files}
    return sorted(
        {name.rpartition("/")[0] if name.startswith(f"{_SNAPSHOTS}/") else name for name in names}
    )


@contextmanager
def _install_files(work: Path, data_dir: Path) -> Iterator[Callable[[str], None]]:
    """Yield a function that moves a restored path into place; undo all moves on an error."""
    done: list[tuple[Path, Path | None]] = []

    def place(unit: str) -> None:
        final, aside = data_dir / unit, None
        if final.exists():
            aside = work / "old" / unit
            aside.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(final, aside)
        done.append((final, aside))
        final.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        shutil.move(work / "new" / unit, final)

    try:
        yield place
    except BaseException:
        for final, aside in reversed(done):
            shutil.rmtree(final) if final.is_dir() else final.unlink(missing_ok=True)
            if aside is not None:
                shutil.move(aside, final)
        raise
