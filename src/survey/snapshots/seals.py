"""Seals of a snapshot: SHA-256 of each of its files, in the audit trail and in the manifest.

Whoever writes files of a snapshot gathers them in a `SnapshotDraft`, which enters their hashes and
moves them into place as the last act of the transaction. A file is compared with the trail whenever
it is read: what stands in the manifest beside it could be rewritten with it (docs/audit.md).
"""

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from datetime import datetime
from io import BufferedRandom
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, select
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from survey.access.audit import record
from survey.access.principal import Principal
from survey.locale import msg
from survey.settings import Settings
from survey.snapshots.snapshot_files import (
    MANIFEST,
    SnapshotDamagedError,
    SnapshotManifest,
    read_manifest,
    replace_file,
    short_name,
)
from survey.store.audit_events import AuditEvent
from survey.store.audit_writer import queued_entries
from survey.store.engine import read_scope
from survey.store.private_files import FOLDER_MODE
from survey.store.tables import AuditEntry, Snapshot, table_of

FILES = "files_sha256"
SEAL = "seal_sha256"
"""In entries about a freeze, a release or a recomputation: one hash for all files."""
_PAUSES = (0.05, 0.2, 0.5, 1.0)
"""Seconds: files are moved into place a moment before their hashes are committed."""
_ENTRIES = table_of(AuditEntry)

Seals = Mapping[str, str]


def find_newest_snapshot(
    session: Session, wave_id: UUID, *conditions: ColumnElement[bool]
) -> Snapshot | None:
    """Return a wave's newest snapshot that meets the SQL `conditions`; None without one."""
    query = select_rows(Snapshot).where(Snapshot.wave_id == wave_id, *conditions)
    return session.exec(query.order_by(col(Snapshot.created_at).desc()).limit(1)).first()


def list_details(
    session: Session, event: AuditEvent, subject: str, *, most: int | None = None
) -> list[dict[str, Any]]:
    """Return audit details of an event and subject, newest first: queued, and `most` stored.

    Entries that this transaction will write are included, besides `most` of the written ones.
    """
    queued = (
        orjson.loads(entry.detail)
        for entry in reversed(queued_entries(session))
        if entry.action == event and entry.subject_id == subject
    )
    query = (
        select(_ENTRIES.c.detail)
        .where(_ENTRIES.c.subject_id == subject, _ENTRIES.c.action == event)
        .order_by(_ENTRIES.c.sequence.desc())
        .limit(most)
    )
    return [*queued, *session.connection().execute(query).scalars()]


def find_seals(session: Session, directory: str) -> Seals | None:
    """Return file name -> SHA-256 as last recorded for folder `directory`; None if never."""
    details = list_details(session, AuditEvent.SNAPSHOT_SEALED, directory, most=1)
    return dict(details[0][FILES]) if details else None


def find_seal(session: Session, directory: str) -> str:
    """Return the current seal (one hash for all files) of folder `directory`; empty without one."""
    seals = find_seals(session, directory)
    return "" if seals is None else seal_of_seals(seals)


def was_sealed_as(session: Session, directory: str, seal: str) -> bool:
    """Return whether a snapshot had the seal `seal` (one hash over all its files) at any time."""
    details = list_details(session, AuditEvent.SNAPSHOT_SEALED, directory)
    return any(seal_of_seals(detail[FILES]) == seal for detail in details)


def seal_of_seals(seals: Seals) -> str:
    """Return one hash over the names and hashes of all files of a snapshot."""
    return hashlib.sha256(orjson.dumps(dict(seals), option=orjson.OPT_SORT_KEYS)).hexdigest()


def read_sealed(path: Path, seals: Seals | None) -> bytes:
    """Return a file's content; raise `SnapshotDamagedError` unless it has its hash in `seals`.

    Args:
        seals: Seals of its folder; None if it has none.

    Raises:
        SnapshotDamagedError: The file is missing, or not the one that was sealed.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SnapshotDamagedError(
            msg(
                "The results in {folder} are missing. Freeze the wave again.",
                folder=short_name(path.parent),
            )
        ) from error
    if seals is not None and seals.get(path.name) != hashlib.sha256(data).hexdigest():
        raise SnapshotDamagedError(
            msg(
                "The file {file} of the snapshot in {folder} was changed after it was sealed, so "
                "nothing of it is shown. Put the folder back from a backup, or compute it again "
                "with the command: survey recompute",
                file=path.name,
                folder=short_name(path.parent),
            )
        )
    return data


class SnapshotSeals:
    """Recorded hashes of one snapshot folder's files; read again if a file does not match."""

    def __init__(self, settings: Settings, session: Session, directory: str) -> None:
        self._settings, self._directory = settings, directory
        self.folder = settings.snapshot_dir / directory
        self.seals = find_seals(session, directory)

    @property
    def is_sealed(self) -> bool:
        """Whether hashes of the snapshot's files are recorded in the audit trail."""
        return self.seals is not None

    @property
    def sha256(self) -> str:
        """One hash for all files of the folder; empty without seals."""
        return "" if self.seals is None else seal_of_seals(self.seals)

    def read(self, name: str) -> bytes:
        """Return a file's content. Raises `SnapshotDamagedError` if it does not match its hash."""
        for pause in _PAUSES:
            try:
                return read_sealed(self.folder / name, self.seals)
            except SnapshotDamagedError:
                if self.seals is None:
                    raise
                time.sleep(pause)
                with read_scope(self._settings.store_url) as session:
                    self.seals = find_seals(session, self._directory)
        return read_sealed(self.folder / name, self.seals)


_SEALS_BY_FOLDER: dict[Path, SnapshotSeals] = {}
"""Of this process, by folder: tables are kept in memory by their path alone."""


def open_seals(settings: Settings, session: Session, directory: str) -> SnapshotSeals:
    """Read a snapshot's recorded file hashes and remember them in this process for `read_file`."""
    opened = SnapshotSeals(settings, session, directory)
    _SEALS_BY_FOLDER[opened.folder] = opened
    return opened


def get_opened_seals(folder: Path) -> SnapshotSeals:
    """Return the recorded hashes of a folder that `open_seals` has opened in this process."""
    return _SEALS_BY_FOLDER[folder]


def receive_seals(seals: SnapshotSeals) -> None:
    """Remember a folder's file hashes that another process sent, unless some are known already."""
    _SEALS_BY_FOLDER.setdefault(seals.folder, seals)


def read_file(path: Path) -> bytes:
    """Return a file of an opened folder. Raises `SnapshotDamagedError` if its hash differs."""
    return _SEALS_BY_FOLDER[path.parent].read(path.name)


_Content = bytes | BufferedRandom


def _read_content(content: _Content) -> bytes:
    if isinstance(content, bytes):
        return content
    content.seek(0)
    return content.read()


def _hash_content(content: _Content) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    content.seek(0)
    return hashlib.file_digest(content, "sha256").hexdigest()


class SnapshotDraft:
    """Files for snapshot folders: collected, then their hashes recorded, then moved into place.

    Large ones wait on disk, in files without a name that are gone with the draft.
    """

    def __init__(self, settings: Settings) -> None:
        self._root = settings.snapshot_dir
        self._files: dict[Path, dict[str, _Content | None]] = {}
        self._kept_files: dict[Path, dict[str, str]] = {}

    def copy(self) -> "SnapshotDraft":
        """Return an independent copy of the draft with the same files."""
        other = copy(self)
        other._files = {folder: dict(files) for folder, files in self._files.items()}
        other._kept_files = {folder: dict(files) for folder, files in self._kept_files.items()}
        return other

    def write(self, path: Path, data: bytes) -> None:
        """Add a file with this content to the draft."""
        self._files.setdefault(path.parent, {})[path.name] = data

    @contextmanager
    def open(self, path: Path) -> Iterator[BufferedRandom]:
        """Yield a temporary file for the block to write to, then add it to the draft."""
        self._root.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        # It lives as long as the draft.
        file: BufferedRandom = TemporaryFile(dir=self._root)  # noqa: SIM115
        yield file
        self._files.setdefault(path.parent, {})[path.name] = file

    def keep(self, path: Path, sha256: str) -> None:
        """Have the draft seal an existing file with this hash, which the caller has checked."""
        self._kept_files.setdefault(path.parent, {})[path.name] = sha256

    def remove(self, path: Path) -> None:
        """Mark a file to be removed when the draft is installed."""
        self._files.setdefault(path.parent, {})[path.name] = None

    def read(self, session: Session, path: Path) -> bytes:
        """Return a file's content as the draft will install it. Raises `SnapshotDamagedError`."""
        data = self._files.get(path.parent, {}).get(path.name)
        if data is None:
            return read_sealed(path, self._read_seals(session, path.parent))
        return _read_content(data)

    def replaces(self, path: Path) -> bool:
        """Return whether the draft writes or removes a file."""
        return path.name in self._files.get(path.parent, {})

    def find_new(self, path: Path) -> bytes | None:
        """Return the new content of a file; None if the draft removes it, or does not touch it."""
        data = self._files.get(path.parent, {}).get(path.name)
        return None if data is None else _read_content(data)

    def seal(self, session: Session, *, whole: Path, actor: Principal, now: datetime) -> str:
        """Record the hashes of all files in the audit trail; return that of the new folder `whole`.

        The folder `whole` is written completely, so it is sealed in any case. In others a file is
        added or replaced: the other files keep their seals, and files without a seal get none, or a
        changed file would be sealed as if it were right.
        """
        sealed = ""
        for folder, files in self._files.items():
            known = self._read_seals(session, folder)
            if known is None and folder != whole:
                continue
            seals = self._seal_with_manifest(folder, files, known or {})
            record(
                session=session,
                actor=actor,
                event=AuditEvent.SNAPSHOT_SEALED,
                subject_id=self._directory(folder),
                now=now,
                detail={"files": len(seals), FILES: seals},
            )
            if folder == whole:
                sealed = seal_of_seals(seals)
        return sealed

    def install(self) -> None:
        """Move all files into place: the last act before the transaction commits."""
        for folder, files in self._files.items():
            for name, data in files.items():
                if data is None:
                    (folder / name).unlink(missing_ok=True)
                else:
                    replace_file(folder / name, data)
        self._files.clear()

    def _seal_with_manifest(
        self, folder: Path, files: "dict[str, _Content | None]", known: Seals
    ) -> dict[str, str]:
        """Return `known` hashes updated by `files`; add a manifest with them to `files`."""
        hashes = {**known, **self._kept_files.get(folder, {})}
        for name, data in files.items():
            if data is None:
                hashes.pop(name, None)
            else:
                hashes[name] = _hash_content(data)
        hashes.pop(MANIFEST, None)
        written = files.get(MANIFEST)
        manifest = (
            read_manifest(folder)
            if written is None
            else SnapshotManifest.model_validate_json(_read_content(written))
        )
        manifest = manifest.model_copy(update={"files": dict(sorted(hashes.items()))})
        content = manifest.model_dump_json(indent=2).encode()
        files[MANIFEST] = content
        return {**hashes, MANIFEST: hashlib.sha256(content).hexdigest()}

    def _read_seals(self, session: Session, folder: Path) -> Seals | None:
        return find_seals(session, self._directory(folder))

    def _directory(self, folder: Path) -> str:
        return str(folder.relative_to(self._root))
