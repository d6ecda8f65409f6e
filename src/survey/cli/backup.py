"""Commands that write, check and restore a backup."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from survey.access.principal import OPERATOR
from survey.cli.options import read_bytes
from survey.cli.output import FormatOption, OutputFormat, error_reporting, print_note, print_record
from survey.locale import msg, translator
from survey.operations.backup import check_backup, create_backup
from survey.operations.backup import restore as restore_backup
from survey.settings import current_settings
from survey.store.backup.encryption import START_BYTES, BackupSecret, needs_passphrase
from survey.store.backup.manifest import BackupManifest

PASSPHRASE = "SURVEY_BACKUP_PASSPHRASE"
"""Environment variable with the passphrase of unattended backups."""

KeyFile = Annotated[
    Path | None, typer.Option(help="File with a key of age; `survey keys new-backup` prints one.")
]


def backup(
    target: Annotated[Path, typer.Argument(help="File to write, or a folder for a dated file.")],
    encrypt: Annotated[
        bool,
        typer.Option(
            "--encrypt", help=f"Encrypt with a passphrase, asked for or taken from {PASSPHRASE}."
        ),
    ] = False,
    key_file: KeyFile = None,
    recipient: Annotated[
        list[str] | None,
        typer.Option(
            help="Public key (age1…): only the key file that belongs to it opens the backup. May "
            "be repeated."
        ),
    ] = None,
    form: FormatOption = OutputFormat.TABLE,
) -> None:
    """Write the whole store and its snapshots into one file, while the platform is running.

    Encrypted files are in the age format: the tool age opens them as well.

    The same file can be restored to SQLite and to PostgreSQL. Keys (SURVEY_PHONE_KEY,
    SURVEY_AUDIT_KEY) are never in it: keep them apart, or the phone numbers are lost.
    """
    with error_reporting():
        settings, now = current_settings(), datetime.now(UTC)
        secret = _choose_new_secret(encrypt, key_file, recipient or [])
        path = target / f"survey-{now:%Y%m%dT%H%M%SZ}.backup" if target.is_dir() else target
        manifest = create_backup(settings, target=path, secret=secret, actor=OPERATOR, now=now)
        _print_manifest(manifest, path, form)
        if secret is None:
            print_note("The file is not encrypted: it holds everything that the store holds.")


def restore(
    source: Annotated[Path, typer.Argument(help="A file that `survey backup` wrote.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Throw the data away that the store holds now.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only look whether the backup is whole; touch nothing.")
    ] = False,
    key_file: KeyFile = None,
    form: FormatOption = OutputFormat.TABLE,
) -> None:
    """Put a backup in the place of the present store and its snapshots, or nothing at all.

    Stop every server that uses the store first. A backup of SQLite goes into PostgreSQL and the
    other way round; one of an older version is brought up to date.
    """
    with error_reporting():
        secret = _choose_opening_secret(source, key_file)
        if check:
            _print_manifest(check_backup(source, secret), source, form)
            print_note("The backup is whole.")
            return
        manifest = restore_backup(
            current_settings(),
            source=source,
            secret=secret,
            actor=OPERATOR,
            now=datetime.now(UTC),
            replace=replace,
        )
        _print_manifest(manifest, source, form)
        print_note("The backup is restored; every table was read back and is the same.")


def _choose_new_secret(
    encrypt: bool, key_file: Path | None, recipients: list[str]
) -> BackupSecret | None:
    if sum((encrypt, key_file is not None, bool(recipients))) > 1:
        raise typer.BadParameter("--encrypt | --key-file | --recipient")
    if recipients:
        return BackupSecret.public_keys(recipients)
    if key_file is not None:
        return BackupSecret.key_file(read_bytes(key_file))
    if not encrypt:
        return None
    return _ask_passphrase(is_new=True)


def _choose_opening_secret(source: Path, key_file: Path | None) -> BackupSecret | None:
    if key_file is not None:
        return BackupSecret.key_file(read_bytes(key_file))
    return _ask_passphrase() if needs_passphrase(read_bytes(source, START_BYTES)) else None


def _ask_passphrase(*, is_new: bool = False) -> BackupSecret:
    given = os.environ.get(PASSPHRASE)
    words = translator(current_settings().language)(msg("Passphrase"))
    return BackupSecret.passphrase(
        given or typer.prompt(words, hide_input=True, confirmation_prompt=is_new)
    )


def _print_manifest(manifest: BackupManifest, path: Path, form: OutputFormat) -> None:
    t = translator(current_settings().language)
    print_record(
        {
            t("file"): str(path),
            t("bytes"): path.stat().st_size,
            t("backed up at"): manifest.made_at.isoformat(timespec="seconds"),
            t("software"): manifest.software,
            t("migration"): manifest.migration,
            t("database"): manifest.database,
            t("tables"): len(manifest.tables),
            t("rows"): manifest.rows,
            t("files"): len(manifest.files),
        },
        form,
    )
    for release in manifest.missing_releases:
        print_note(
            "ATTENTION: the files of release {release} were missing or changed and are not in the "
            "backup.",
            release=release,
        )
    if manifest.missing_photos:
        print_note(
            "ATTENTION: {count} photos were missing or changed and are not in the backup.",
            count=len(manifest.missing_photos),
        )
    for name in manifest.missing_snapshots:
        print_note(
            "ATTENTION: the snapshot {name} was missing and is not in the backup.", name=name
        )
    for name in manifest.left_out:
        print_note(
            "ATTENTION: the table {name} is not one of ours and is not in the backup.", name=name
        )
