"""Commands that protect personal data: encryption keys, and deletion by schedule."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from sqlmodel import Session

from survey.access.second_factor import encrypt_secrets
from survey.cli.operator import change_as_operator, read_as_operator
from survey.cli.output import FormatOption, OutputFormat, error_reporting, print_note, print_table
from survey.collection.retention import build_retention_rules, count_due_rows, delete_expired
from survey.locale import translator
from survey.review.back_check.phone_numbers import reencrypt_numbers
from survey.settings import current_settings
from survey.store.backup.encryption import new_key_file
from survey.store.cipher import configured_cipher, new_key, secret_cipher
from survey.store.transactions import run_in_transaction

keys = typer.Typer(
    help="Keys by which telephone numbers, second factors and backups are encrypted."
)
retention = typer.Typer(help="Retention: what is deleted by schedule (docs/privacy.md).")


@keys.command()
def new() -> None:
    """Print a fresh key. Keep it where the database and its backups are not."""
    typer.echo(new_key())


@keys.command(name="new-backup")
def new_backup_key() -> None:
    """Print a fresh key file for `survey backup --key-file`; its public key serves --recipient.

    Keep it where the backups are not: without it nothing opens them.
    """
    typer.echo(new_key_file(), nl=False)


@keys.command(name="rotate")
def rotate_keys() -> None:
    """Encrypt telephone numbers and secrets of second factors anew with the first key.

    The keys are those of SURVEY_PHONE_KEY or of the key file. Put the new key in front of the old
    one, restart, rotate, then take the old one away. Exit code 1 when something could not be read,
    so that its key is not thrown away by mistake.
    """
    with error_reporting():
        settings, now = current_settings(), datetime.now(UTC)
        phone_cipher, factor_cipher = configured_cipher(settings), secret_cipher(settings)

        def reencrypt(session: Session) -> tuple[tuple[int, int], tuple[int, int]]:
            numbers = (0, 0)
            if phone_cipher is not None:
                numbers = reencrypt_numbers(session=session, cipher=phone_cipher, now=now)
            return numbers, encrypt_secrets(session=session, cipher=factor_cipher, now=now)

        (renewed, unreadable), (factors, lost) = run_in_transaction(settings.store_url, reencrypt)
        if phone_cipher is not None:
            print_note("{count} numbers are now encrypted with the first key.", count=renewed)
        print_note("{count} second factors are now encrypted with the first key.", count=factors)
        if unreadable:
            print_note("{count} numbers cannot be read with the keys at hand.", count=unreadable)
        if lost:
            print_note("{count} second factors cannot be read with the keys at hand.", count=lost)
        if unreadable or lost:
            raise typer.Exit(1)


@retention.callback()
def _retention_group() -> None:
    """A group of commands, although there is one."""


@retention.command("run")
def delete_by_schedule(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only, delete nothing.")] = False,
    form: FormatOption = OutputFormat.TABLE,
) -> None:
    """Delete by schedule and print how much; the periods are SURVEY_KEEP_… settings."""
    settings, at = current_settings(), datetime.now(UTC)
    t = translator(settings.language)
    with error_reporting():
        if dry_run:
            with read_as_operator() as work:
                met = count_due_rows(work, at=at)
        else:
            met = change_as_operator(lambda work: delete_expired(work, at=at))
        every = build_retention_rules(settings, at)
        rows = [(key, t(rule.name), rule.days, met[key]) for key, rule in every.items()]
        print_table(("rule", t("what"), t("days"), t("rows")), rows, form)
        if dry_run:
            print_note("Nothing was deleted.")
