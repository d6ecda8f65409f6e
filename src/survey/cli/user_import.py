"""Command that creates many accounts from a list and prints their setup links."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from sqlmodel import Session

from survey.access.account_batch import SetupLinkSheet, create_accounts
from survey.access.principal import OPERATOR
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
from survey.store.engine import read_scope
from survey.store.transactions import run_in_transaction


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
            issued = run_in_transaction(settings.store_url, partial(_create, listed))
            rows = [
                (person.login, person.name, f"{origin}/auth/setup/{person.token}")
                for person in issued.people
            ]
            print_table(("login", "name", "link"), rows, output)
        print_note("{count} accounts were created.", count=len(issued.people))


def _create(listed: AccountList, session: Session) -> SetupLinkSheet:
    return create_accounts(
        session=session, principal=OPERATOR, accounts=listed.accounts, now=datetime.now(UTC)
    )


def _create_with_sheet(
    settings: Settings, listed: AccountList, sheet: Path, origin: str
) -> SetupLinkSheet:
    """Create the accounts if their links, which are shown only once, could be written."""

    def create(session: Session) -> SetupLinkSheet:
        issued = _create(listed, session)
        draft.write(setup_link_sheet_pdf(issued, origin=origin, language=settings.language))
        return issued

    with output_file(sheet, private=True) as draft:
        return run_in_transaction(settings.store_url, create)


def _read(path: Path) -> AccountList:
    content, now = read_bytes(path), datetime.now(UTC)
    with read_scope(current_settings().store_url) as session:
        if path.suffix.lower() not in {".csv", ".tsv", ".txt"}:
            return read_account_file(
                session=session, principal=OPERATOR, name=path.name, content=content, now=now
            )
        try:
            text, _ = decode_table_text(content)
        except UnicodeDecodeError as error:
            raise SurveyError(msg("“{name}” is not a text file.", name=path.name)) from error
        return read_pasted_accounts(session=session, principal=OPERATOR, text=text, now=now)


def _print_errors(listed: AccountList, output: OutputFormat) -> None:
    t = translator(current_settings().language)
    rows = [(error.row, t(error.column), error.value, t(error.message)) for error in listed.errors]
    print_table(("row", "column", "found", "reason"), rows, output)
    print_note("{count} cells need another look; nothing was written.", count=len(rows))
