"""Commands for exact files of rows, and for tracing a copy of rows to the export it is from."""

import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from survey.access.work import Work
from survey.cli.operator import account_principal, change_as_operator, read_as_operator
from survey.cli.options import read_suffix
from survey.cli.output import FormatOption, OutputFormat, error_reporting, print_note, print_table
from survey.cli.output_file import output_file
from survey.files.microdata.exact_requests import (
    decide_exact_rows,
    export_exact_rows,
    list_exact_requests,
    request_exact_rows,
    settle_undoable_exports,
    trace_export,
)
from survey.files.microdata.export import MicrodataFile
from survey.files.microdata.file_formats import FileFormat
from survey.store.tables import Decision

app = typer.Typer(
    no_args_is_help=True,
    help="Exact files of rows: ask for one, decide, take it (docs/row-export.md).",
)
_NAME = re.compile(r"\b[0-9a-f]{12}\b")
_COLUMNS = ("export", "account", "made_at", "purpose", "matched")
_REQUESTS = (
    "request", "wave", "account", "state", "requested_at", "purpose", "decided_by", "decided_at",
    "reason", "valid_until",
)  # fmt: skip

AccountOption = Annotated[str, typer.Option(help="Sign-in name of the analyst who gets the file.")]
Number = Annotated[UUID, typer.Argument(help="Number of the request, see `survey rows requests`.")]
Reason = Annotated[str, typer.Option(help="Why, in a few words; it is recorded.")]


@app.command()
def request(
    account: AccountOption,
    wave: Annotated[str, typer.Option(help="Key of the wave, for example main-2024.")],
    purpose: Annotated[str, typer.Option(help="What the exact file is needed for.")],
) -> None:
    """Ask for an exact file in the name of an analyst; somebody approves it on the page.

    Prints the number of the request. What was asked for here is not decided here.
    """
    with error_reporting():
        made = change_as_operator(
            lambda work: request_exact_rows(
                replace(work, principal=account_principal(work, account)),
                wave_key=wave,
                purpose=purpose,
                by_operator=True,
            )
        )
    typer.echo(str(made))


@app.command()
def requests(form: FormatOption = OutputFormat.TABLE) -> None:
    """List the requests for exact files with their state, newest first."""
    with error_reporting(), read_as_operator() as work:
        all_requests = list_exact_requests(work)
    rows = [
        (
            str(exact_request.id),
            exact_request.wave,
            exact_request.account,
            exact_request.state.value,
            _format_minute(exact_request.requested_at),
            exact_request.purpose,
            exact_request.decided_by,
            _format_minute(exact_request.decided_at),
            exact_request.reason,
            _format_minute(exact_request.valid_until),
        )
        for exact_request in all_requests
    ]
    print_table(_REQUESTS, rows, form)


@app.command()
def approve(number: Number, reason: Reason) -> None:
    """Approve a request that an analyst made on the page; good for one file within seven days."""
    _run_decision(number, Decision.APPROVED, reason)


@app.command()
def refuse(number: Number, reason: Reason) -> None:
    """Refuse a request that an analyst made on the page; the analyst reads the reason there."""
    _run_decision(number, Decision.REFUSED, reason)


@app.command()
def export(
    number: Number,
    account: AccountOption,
    output: Annotated[
        Path, typer.Option(help="Where to write it: .csv, .xlsx, .parquet, .sav or .dta.")
    ],
) -> None:
    """Take the one file of an approved request, for the analyst who asked for it."""
    form = FileFormat(read_suffix(output, list(FileFormat), "--output"))

    def take(work: Work) -> MicrodataFile:
        made = export_exact_rows(
            replace(work, principal=account_principal(work, account)),
            request_id=number,
            form=form,
            language=work.settings.language,
            by_operator=True,
        )
        draft.write(made.content)  # the approval stays good if that fails
        return made

    # Before the approval is used: where nothing can be written, it stays good.
    with error_reporting(), output_file(output, overwrite=False) as draft:
        made = change_as_operator(take, long_running=True)
    print_note("{rows} interviews written to {file}.", rows=made.rows, file=output)


@app.command()
def settle(reason: Reason) -> None:
    """Record how the files that `survey doctor` names were dealt with; it names them no more."""
    with error_reporting():
        settled = change_as_operator(lambda work: settle_undoable_exports(work, reason=reason))
    print_note("{count} files of rows recorded as dealt with.", count=len(settled))


def _run_decision(number: UUID, decision: Decision, reason: str) -> None:
    with error_reporting():
        change_as_operator(
            lambda work: decide_exact_rows(
                work, request_id=number, decision=decision, reason=reason
            )
        )


def _format_minute(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else ""


def trace_rows(
    copy: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, help="A text file with some of the rows, as found."
        ),
    ],
    wave: Annotated[str, typer.Option(help="Key of the wave, for example main-2024.")],
    form: FormatOption = OutputFormat.TABLE,
) -> None:
    """Find the exports whose rows or sampling points are named in a copy, most matches first."""
    with error_reporting():
        names = set(_NAME.findall(copy.read_text(encoding="utf-8", errors="replace").lower()))
        with read_as_operator() as work:
            traced_exports = trace_export(work, wave_key=wave, names=names)
        rows = [
            (
                str(traced_export.export_id),
                traced_export.account,
                _format_minute(traced_export.made_at),
                traced_export.purpose,
                traced_export.matched,
            )
            for traced_export in traced_exports
        ]
        print_table(_COLUMNS, rows, form)
