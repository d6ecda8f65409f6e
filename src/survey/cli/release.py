"""Commands on signed releases and the keys that sign them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from survey.access.principal import OPERATOR
from survey.cli.output import FormatOption, OutputFormat, error_reporting, print_note, print_table
from survey.cli.wave import release as release_of_wave
from survey.locale import msg
from survey.publish.publications.signing_keys import (
    SigningKey,
    SigningKeyError,
    add_key_to_file,
    format_key_list,
    list_keys,
    read_signing_keys,
    register_key,
    withdraw_key,
)
from survey.settings import current_settings
from survey.store.engine import read_scope
from survey.store.transactions import run_in_transaction

app = typer.Typer(help="Signed releases, from the calendar to the published files.")
key = typer.Typer(help="Keys that sign releases (docs/publishing.md).")
app.command("wave")(release_of_wave)
app.add_typer(key, name="key")


def _register(signing_key: SigningKey) -> None:
    run_in_transaction(
        current_settings().store_url,
        lambda session: (
            register_key(
                session=session,
                principal=OPERATOR,
                public_key=signing_key.public_bytes,
                now=datetime.now(UTC),
            ).id
        ),
    )
    print_note("The key {key} is registered and may sign.", key=signing_key.id)


@key.command("new")
def new_signing_key(
    out: Annotated[Path, typer.Option(help="Key file; the new key is added as its last line.")],
) -> None:
    """Make a key, add it to a key file and register its public half.

    Name the file in SURVEY_RELEASE_KEY_FILE. It lies where the database and its backups are not.
    From then on the new key signs; what older keys signed stays genuine.
    """
    with error_reporting():
        _register(add_key_to_file(out))


@key.command("register")
def register_signing_key() -> None:
    """Register the public half of the newest configured key, for example in a new store."""
    with error_reporting():
        keys = read_signing_keys(current_settings())
        if not keys:
            raise SigningKeyError(
                msg("Neither SURVEY_RELEASE_KEY nor SURVEY_RELEASE_KEY_FILE holds a key.")
            )
        _register(keys[-1])


@key.command("withdraw")
def withdraw_signing_key(
    key_id: Annotated[str, typer.Argument(help="Id of the key, as `survey release key list`.")],
    reason: Annotated[str, typer.Option(help="Why nothing that it signed is genuine any more.")],
) -> None:
    """Withdraw a lost or stolen key: what it signed is not genuine any more.

    Sign the releases again with another key, and publish the list of keys anew.
    """
    with error_reporting():
        run_in_transaction(
            current_settings().store_url,
            lambda session: withdraw_key(
                session=session,
                principal=OPERATOR,
                key_id=key_id,
                reason=reason,
                now=datetime.now(UTC),
            ),
        )
        print_note("The key {key} is withdrawn.", key=key_id)


@key.command("list")
def list_signing_keys(form: FormatOption = OutputFormat.TABLE) -> None:
    """List the registered public keys."""
    with error_reporting(), read_scope(current_settings().store_url) as session:
        rows = [
            (each.id, each.public_key, each.is_demo, each.registered_at, each.withdrawn_at)
            for each in list_keys(session=session, principal=OPERATOR)
        ]
        print_table(("id", "public_key", "demo", "registered", "withdrawn"), rows, form)


@key.command("export")
def export_key_list(
    out: Annotated[Path, typer.Option(help="File for the association's site.")],
) -> None:
    """Write the list that strangers check releases with: public keys and what was taken back."""
    with error_reporting():
        with read_scope(current_settings().store_url) as session:
            keys = list_keys(session=session, principal=OPERATOR)
            out.write_bytes(format_key_list(keys, {}))
        print_note("{count} keys are in {file}.", count=len(keys), file=out)
