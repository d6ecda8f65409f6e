"""Keys of telephone numbers: make one, put a new one in front of the old."""

from datetime import UTC, datetime

import typer

from survey.cli.output import reporting_errors, say
from survey.fieldwork.privacy.contacts import rotate
from survey.fieldwork.privacy.sealing import KeyUnusable, new_key, seal_of
from survey.locale import msg
from survey.settings import current_settings
from survey.store.backup.encryption import new_key_file
from survey.store.engine import session_scope

app = typer.Typer(help="Keys by which telephone numbers for back-checks are encrypted.")


@app.command()
def new() -> None:
    """Print a fresh key. Keep it where the database and its backups are not."""
    typer.echo(new_key())


@app.command(name="new-backup")
def new_backup_key() -> None:
    """Print a fresh key file for `survey backup --key-file`; its public key serves --recipient.

    Keep it where the backups are not: without it nothing opens them.
    """
    typer.echo(new_key_file(), nl=False)


@app.command(name="rotate")
def rotate_numbers() -> None:
    """Encrypt all numbers anew with the first key of SURVEY_PHONE_KEY or the key file.

    Put the new key in front of the old one, restart, rotate, then take the old one away. Exit code
    1 when a number could not be read, so that its key is not thrown away by mistake.
    """
    with reporting_errors():
        settings = current_settings()
        seal = seal_of(settings)
        if seal is None:
            raise KeyUnusable(msg("No key is set: SURVEY_PHONE_KEY or SURVEY_PHONE_KEY_FILE."))
        with session_scope(settings.store_url) as session:
            renewed, unreadable = rotate(session=session, seal=seal, now=datetime.now(UTC))
        say("{count} numbers are now encrypted with the first key.", count=renewed)
        if unreadable:
            say("{count} numbers cannot be read with the keys at hand.", count=unreadable)
            raise typer.Exit(1)
