"""Commands for API keys, with which programs read released results or deliver counts."""

from typing import Annotated
from uuid import UUID

import typer

from survey.access.api_keys import create_api_key, list_api_keys, revoke_api_key
from survey.cli.operator import change_as_operator, read_as_operator
from survey.cli.output import FormatOption, OutputFormat, error_reporting, print_note, print_table
from survey.store.tables import KeyScope

app = typer.Typer(
    name="api-key",
    help="Keys with which programs read released results or deliver data (docs/api.md).",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def create(
    login: Annotated[str, typer.Argument(help="Account with whose rights the key works.")],
    name: Annotated[str, typer.Option(help="What the key is for.")],
    days: Annotated[int, typer.Option(help="Days that the key is valid, at most 400.")] = 365,
    scope: Annotated[
        KeyScope, typer.Option(help="What the key opens: it opens nothing of the other kind.")
    ] = KeyScope.RESULTS,
) -> None:
    """Make a key and print it; it is shown only this once."""
    with error_reporting():
        key = change_as_operator(
            lambda work: create_api_key(work, login=login, name=name, days=days, scope=scope)
        )
        print_note("Please keep this key safe; it cannot be shown again:")
        typer.echo(key)


@app.command()
def revoke(
    key_id: Annotated[UUID, typer.Argument(help="Id of the key, as the list shows it.")],
) -> None:
    """End a key at once."""
    with error_reporting():
        change_as_operator(lambda work: revoke_api_key(work, key_id=key_id))
        print_note("The key is withdrawn.")


@app.command("list")
def list_(output: FormatOption = OutputFormat.TABLE) -> None:
    """List all keys: what for, whose rights, what they open, until when."""
    with error_reporting(), read_as_operator() as work:
        columns = ("id", "name", "login", "scope", "created_at", "expires_at", "revoked_at")
        keys = list_api_keys(work)
        print_table(
            columns, [tuple(getattr(key, column) for column in columns) for key in keys], output
        )
