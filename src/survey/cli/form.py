"""Questionnaires in and out as XLSForm workbooks."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from survey.cli.output import Format, FormatOption, print_record, print_table, reporting_errors, say
from survey.fieldwork.instruments import find_instrument, list_instruments, save_instrument
from survey.fieldwork.trial import open_trial
from survey.instrument.check import check as check_instrument
from survey.instrument.findings import errors
from survey.instrument.model import Instrument
from survey.instrument.xlsform import Finding, Imported, read_xlsform, write_xlsform
from survey.locale import translator
from survey.settings import current_settings
from survey.store.engine import session_scope

app = typer.Typer(
    help="Check, import, export and list questionnaires.",
    no_args_is_help=True,
    add_completion=False,
)

Workbook = Annotated[Path, typer.Argument(help="An XLSForm workbook (.xlsx).", dir_okay=False)]
SkipOption = Annotated[
    bool,
    typer.Option(
        "--skip-unsupported",
        help="Leave out what is not supported (repeat, geopoint, image …) and list it, "
        "instead of refusing the form.",
    ),
]


@app.command()
def check(
    workbook: Workbook, skip_unsupported: SkipOption = False, form: FormatOption = Format.TABLE
) -> None:
    """Read a workbook and list what is wrong or left out; nothing is stored.

    Exit code 0 when the form can be imported, 1 when it cannot.
    """
    with reporting_errors():
        imported = _read(workbook, skip_unsupported)
        findings = [*imported.skipped, *imported.warnings]
        _print_findings(findings, form)
        _say_size(imported.instrument)
        problems = errors(check_instrument(imported.instrument))
        for problem in problems:
            say(problem.message)
        if problems:
            raise typer.Exit(1)


@app.command(name="import")
def import_form(
    workbook: Workbook, skip_unsupported: SkipOption = False, form: FormatOption = Format.TABLE
) -> None:
    """Read a workbook and store it as a new, immutable version."""
    with reporting_errors():
        imported = _read(workbook, skip_unsupported)
        _print_findings([*imported.skipped, *imported.warnings], Format.TABLE)
        instrument = imported.instrument
        with session_scope(current_settings().store_url) as session:
            save_instrument(session=session, instrument=instrument)
        _say_size(instrument)
        print_record(_record(instrument), form)


@app.command()
def export(
    name: Annotated[str, typer.Argument(help="Name of the questionnaire, for example main-2023.")],
    output: Annotated[Path, typer.Argument(help="Workbook to write (.xlsx).", dir_okay=False)],
    version: Annotated[str | None, typer.Option(help="Default: the newest version.")] = None,
) -> None:
    """Write a stored questionnaire as an XLSForm workbook."""
    with reporting_errors():
        with session_scope(current_settings().store_url) as session:
            instrument = find_instrument(session=session, name=name, version=version)
        write_xlsform(instrument, output)
        say("Written: {path}", path=output)


@app.command(name="list")
def list_forms(form: FormatOption = Format.TABLE) -> None:
    """List the stored questionnaires."""
    with reporting_errors():
        with session_scope(current_settings().store_url) as session:
            records = [_record(i) for i in list_instruments(session=session)]
        columns = ("name", "version", "items", "scored", "sha256")
        print_table(columns, [tuple(record.values()) for record in records], form)


@app.command(name="try")
def try_form(
    name: Annotated[str, typer.Argument(help="Name of the questionnaire, for example main-2023.")],
    version: Annotated[str | None, typer.Option(help="Default: the newest version.")] = None,
    city: Annotated[
        str, typer.Option(help="City the trial answers are said to be from.")
    ] = "110000",
) -> None:
    """Print a one-time link to answer a stored questionnaire in the browser.

    The answers go to a trial wave of their own. `survey serve` must be running on the same store.
    """
    with reporting_errors():
        settings = current_settings()
        with session_scope(settings.store_url) as session:
            instrument = find_instrument(session=session, name=name, version=version)
            issued = open_trial(
                session=session, instrument=instrument, city_code=city, now=datetime.now(UTC)
            )
        base = settings.public_url or f"http://localhost:{settings.port}"
        typer.echo(f"{base}/q/{issued.token}")


def _read(workbook: Path, skip_unsupported: bool) -> Imported:
    return read_xlsform(workbook, unsupported="skip" if skip_unsupported else "refuse")


def _record(instrument: Instrument) -> dict[str, object]:
    return {
        "name": instrument.name,
        "version": instrument.version,
        "items": sum(1 for _ in instrument.items()),
        "scored": len(instrument.scored_items),
        "sha256": instrument.sha256[:12],
    }


def _say_size(instrument: Instrument) -> None:
    say(
        "{name} {version}: {sections} sections, {items} items.",
        name=instrument.name,
        version=instrument.version,
        sections=len(instrument.sections),
        items=sum(1 for _ in instrument.items()),
    )


def _print_findings(findings: Iterable[Finding], form: Format) -> None:
    t = translator(current_settings().language)
    rows = [
        (
            finding.sheet,
            finding.row,
            finding.column,
            t(finding.message),
            t(finding.instead) if finding.instead else "",
        )
        for finding in findings
    ]
    if rows or form is not Format.TABLE:
        print_table(("sheet", "row", "column", "message", "instead"), rows, form)
