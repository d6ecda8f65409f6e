"""Command that creates many accounts from a list and prints their setup links."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from survey.access.account_batch import SetupLinkSheet, create_accounts
from survey.access.work import Work
from survey.cli.operator import change_as_operator, read_as_operator
from survey.cli.options import read_bytes
from survey.cli.output import FormatOption, OutputFormat, error_reporting, print_note, print_table
from survey.cli.output_file import output_file
from survey.fieldwork.planning.account_list import (
    AccountList,
    read_account_file,
    read_pasted_accounts,
)
from survey.locale import SurveyError, msg, translator
from survey.publish.code_sheets_pdf import setup_link_sheet_pdf
from survey.settings import Settings, current_settings
from survey.spreadsheets import decode_table_text


def import_accounts(
    accounts: Annotated[
        Path,
        typer.Argument(
            help="An XLSX workbook, or a text file with tabs or commas: name, login, role, area, "
            "last day, e-mail."
        ),
    ],
    sheet: Annotated[
        Path | None,
        typer.Option(help="PDF to write the setup links to; else they are listed here."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    output: FormatOption = OutputFormat.TABLE,
) -> None:
    """Create the accounts of a list, all or none, each with a link that is shown once.

    Logins that exist already are skipped. Every row is checked first; while one is wrong nothing is
    written.
    """
    with error_reporting():
        listed = _read(accounts)
        if listed.present:
            print_note(
                "{count} logins exist already and are skipped: {logins}",
                count=len(listed.present),
                logins=", ".join(listed.present),
            )
        if listed.errors:
            _print_errors(listed, output)
            raise typer.Exit(1)
        if dry_run or not listed.accounts:
            print_note("{count} accounts would be created.", count=len(listed.accounts))
            return
        settings = current_settings()
        origin = settings.public_url.rstrip("/") or f"http://{settings.host}:{settings.port}"
        if sheet is not None:
            issued = _create_with_sheet(settings, listed, sheet, origin)
        else:
            issued = change_as_operator(partial(_create, listed))
            rows = [
                (person.login, person.name, f"{origin}/auth/setup/{person.token}")
                for person in issued.people
            ]
            print_table(("login", "name", "link"), rows, output)
        print_note("{count} accounts were created.", count=len(issued.people))


def _create(listed: AccountList, work: Work) -> SetupLinkSheet:
    return create_accounts(work, accounts=listed.accounts)


def _create_with_sheet(
    settings: Settings, listed: AccountList, sheet: Path, origin: str
) -> SetupLinkSheet:
    """Create the accounts if their links, which are shown only once, could be written."""

    def create(work: Work) -> SetupLinkSheet:
        issued = _create(listed, work)
        draft.write(setup_link_sheet_pdf(issued, origin=origin, language=settings.language))
        return issued

    with output_file(sheet, private=True) as draft:
        return change_as_operator(create)


def _read(path: Path) -> AccountList:
    content = read_bytes(path)
    with read_as_operator() as work:
        if path.suffix.lower() not in {".csv", ".tsv", ".txt"}:
            return read_account_file(work, name=path.name, content=content)
        try:
            text, _ = decode_table_text(content)
        except UnicodeDecodeError as error:
            raise SurveyError(msg("“{name}” is not a text file.", name=path.name)) from error
        return read_pasted_accounts(work, text=text)


def _print_errors(listed: AccountList, output: OutputFormat) -> None:
    t = translator(current_settings().language)
    rows = [(error.row, t(error.column), error.value, t(error.message)) for error in listed.errors]
    print_table(("row", "column", "found", "reason"), rows, output)
    print_note("{count} cells need another look; nothing was written.", count=len(rows))
