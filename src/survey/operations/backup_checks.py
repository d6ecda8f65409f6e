"""Checks of the backups in the folder that the settings name, for administrators in a browser."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import NotFoundError, msg
from survey.operations.backup import check_backup
from survey.settings import Settings
from survey.store.audit_events import AuditEvent
from survey.store.backup.encryption import START_BYTES, BackupSecret, needs_passphrase
from survey.store.backup.manifest import BackupManifest

SUFFIX = ".backup"
_AGE_START = b"age-encryption.org/"
_MAX_LISTED = 100


@dataclass(frozen=True)
class BackupFile:
    """Backup file in the backup folder: name, size, time, and if it needs passphrase or key."""

    name: str
    size: int
    modified_at: datetime
    needs_passphrase: bool
    needs_key_file: bool
    """It opens with a key that stays away from the server, so it is checked where that key is."""


def list_backups(*, settings: Settings, principal: Principal) -> list[BackupFile]:
    """Return the newest backups in the folder, the newest first; empty if none is configured."""
    principal.require(Action.ADMINISTER)
    folder = settings.backup_dir
    if folder is None:
        return []
    try:
        files = [_describe(path) for path in folder.glob(f"*{SUFFIX}") if path.is_file()]
    except OSError as error:
        raise NotFoundError(
            "backup_unknown",
            msg("{path} cannot be read: {reason}.", path=folder, reason=error.strerror),
        ) from error
    return sorted(files, key=lambda file: file.modified_at, reverse=True)[:_MAX_LISTED]


def check_listed_backup(
    *, settings: Settings, principal: Principal, name: str, passphrase: str
) -> BackupManifest:
    """Read a backup of the folder, compare it with its manifest; return this, raise if they differ.

    Raises:
        NotFoundError: The folder has no backup of this name.
        BackupDamagedError: It is not whole, or the passphrase is wrong.
    """
    principal.require(Action.ADMINISTER)
    listed = {file.name: file for file in list_backups(settings=settings, principal=principal)}
    file = listed.get(name)
    if file is None or settings.backup_dir is None:
        raise NotFoundError("backup_unknown", msg("The folder holds no backup of this name."))
    if file.needs_key_file:
        raise NotFoundError(
            "backup_unknown",
            msg("This backup opens with a key file only. Check it where the key is."),
        )
    secret = BackupSecret.passphrase(passphrase) if file.needs_passphrase else None
    return check_backup(settings.backup_dir / file.name, secret)


def record_backup_check(work: Work, *, name: str, manifest: BackupManifest) -> None:
    """Record in the audit trail that a backup was read and is intact."""
    work.require(Action.ADMINISTER)
    work.record(
        AuditEvent.STORE_BACKUP_CHECKED,
        name,
        {
            "rows": manifest.rows,
            "files": len(manifest.files),
            "made_at": manifest.made_at.isoformat(timespec="seconds"),
        },
    )


def _describe(path: Path) -> BackupFile:
    stat = path.stat()
    with path.open("rb") as stream:
        start = stream.read(START_BYTES)
    by_passphrase = needs_passphrase(start)
    return BackupFile(
        path.name,
        stat.st_size,
        datetime.fromtimestamp(stat.st_mtime, UTC),
        by_passphrase,
        start.startswith(_AGE_START) and not by_passphrase,
    )
