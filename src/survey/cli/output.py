"""Output of commands: tables for people or programs, and errors in the user's language."""

import csv
import io
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, Any

import orjson
import typer
from sqlalchemy.exc import DatabaseError

from survey.locale import Message, SurveyError, translator
from survey.settings import current_settings
from survey.spreadsheets import csv_row
from survey.store.transactions import StoreUnavailableError

PIPED_WIDTH = 200
"""Width in characters of a table that goes to a file or a pipe."""


class OutputFormat(StrEnum):
    """Format in which a command prints its results."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


FormatOption = Annotated[
    OutputFormat, typer.Option("--format", help="table for people, csv or json for machines.")
]


def print_note(text: str | Message, **params: object) -> None:
    """Print one translated line to stderr, so that stdout has only tables for pipes."""
    typer.echo(translator(current_settings().language)(text, **params), err=True)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], form: OutputFormat) -> None:
    """Print rows with their column names to stdout, as text, CSV or JSON."""
    listed = [tuple(row) for row in rows]
    if form is OutputFormat.JSON:
        records = [dict(zip(columns, row, strict=True)) for row in listed]
        payload = orjson.dumps(
            records,
            default=str,
            option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY,
        )
        sys.stdout.write(payload.decode())
    elif form is OutputFormat.CSV:
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerows(csv_row(row) for row in (columns, *listed))
        sys.stdout.write(buffer.getvalue())
    else:
        # Not at the top: most commands print no table, and start without the library.
        from rich.console import Console
        from rich.table import Table

        table = Table(box=None, header_style="bold", pad_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in listed:
            table.add_row(*(_format_cell(value) for value in row))
        width = None if sys.stdout.isatty() else PIPED_WIDTH
        Console(width=width).print(table)


def _format_cell(value: Any) -> str:
    """Return a value as text for people: floats with two decimals, None as empty."""
    if value is None:
        return ""
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def print_record(record: Mapping[str, Any], form: OutputFormat) -> None:
    """Print one record: as a table of fields for people, as one row in CSV or JSON."""
    if form is OutputFormat.TABLE:
        print_table(("", ""), record.items(), form)
    else:
        print_table(tuple(record), [tuple(record.values())], form)


@contextmanager
def error_reporting() -> Iterator[None]:
    """Within the block, print an error that a person can act on as one line and exit with 1."""
    try:
        yield
    except (SurveyError, DatabaseError) as error:
        problem = _find_schema_problem(error) or error
        if not isinstance(problem, SurveyError):
            raise
        print_note(problem.message)
        raise typer.Exit(1) from error


def _find_schema_problem(error: Exception) -> SurveyError | None:
    """Return what is wrong with the store's schema if it explains a database error, else None."""
    if not isinstance(error, DatabaseError | StoreUnavailableError):
        return None
    # Not at the top: commands start without the library of migrations.
    from survey.store.schema import require_compatible_schema

    try:
        require_compatible_schema(current_settings().store_url)
    except SurveyError as problem:
        return problem
    except DatabaseError:
        return None
    return None
