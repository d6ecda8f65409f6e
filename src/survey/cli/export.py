"""Commands that write files of a wave; the ending of the file's name chooses its format."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlmodel import Session

from survey.access.account_lookup import AccountNotFoundError, get_account_by_login
from survey.access.audit import record_download
from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.access.secret_hashes import is_active
from survey.access.sessions import get_demo_account, principal_of
from survey.access.work import Work
from survey.cli.operator import read_as_operator
from survey.cli.options import read_suffix
from survey.cli.output import error_reporting, print_note
from survey.cli.output_file import OutputDraft, output_file
from survey.files.microdata.export import (
    MicrodataFile,
    deviation_lines,
    export_rows,
    recording_refusals,
)
from survey.files.microdata.file_formats import FileFormat
from survey.locale import SurveyError, msg, translator
from survey.settings import Settings, current_settings
from survey.store.transactions import run_in_transaction
from survey.waves.waves import COMPUTED_STATES, find_wave

app = typer.Typer(no_args_is_help=True)

WaveOption = Annotated[str, typer.Option(help="Key of a frozen wave, for example main-2024.")]


@app.callback()
def export() -> None:
    """Write files of a frozen wave, in the format of the file's name."""


class AnalystNeededError(SurveyError):
    code = "no_analyst_named"

    def __init__(self) -> None:
        super().__init__(
            msg("Rows go to an analyst for a purpose. Please name both: --account and --purpose.")
        )


@app.command()
def rows(
    wave: WaveOption,
    out: Annotated[
        Path, typer.Option(help="Where to write it: .sav, .dta, .parquet, .csv or .xlsx.")
    ],
    account: Annotated[
        str | None,
        typer.Option(
            help="Sign-in name of the analyst who gets the file. Default for a demo wave: the "
            "analyst of the demonstration."
        ),
    ] = None,
    purpose: Annotated[
        str | None, typer.Option(help="What the rows are needed for; stands in the file.")
    ] = None,
) -> None:
    """Write the de-identified interviews of a wave, recorded and marked as on the page.

    The same rules as there: rare combinations merged, names of rows and points made for this file,
    one entry of the audit trail. An exact file takes a second person: `survey rows`. A file that
    is there already stays: it belongs to somebody, for a purpose.
    """
    form = FileFormat(read_suffix(out, list(FileFormat), "--out"))
    settings = current_settings()

    def export(session: Session) -> MicrodataFile:
        principal, why = _order(settings, session, wave, account, purpose)
        made = export_rows(
            Work(session, principal, datetime.now(UTC), settings),
            wave_key=wave,
            purpose=why,
            form=form,
            language=settings.language,
            by_operator=True,
        )
        draft.write(made.content)  # not recorded if that fails
        return made

    with (
        error_reporting(),
        recording_refusals(settings),
        output_file(out, overwrite=False) as draft,
    ):
        made = run_in_transaction(settings.store_url, export, long_running=True)
    print_note("{rows} interviews written to {file}.", rows=made.rows, file=out)
    for line in deviation_lines(translator(settings.language), made.deviation):
        print_note(line)


@app.command()
def codebook(
    wave: WaveOption,
    out: Annotated[
        Path,
        typer.Option(
            help="Where to write it: .xlsx, .html, .xml (DDI-Codebook 2.5), .json (Frictionless "
            "data package), or .zip with all of them and scripts for R, Stata and Python."
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Of a data package: the CSV of rows beside it."
        ),
    ] = None,
) -> None:
    """Write what every column of the rows means: questions, values, missing values, routing."""
    # Not at the top: rows are written without what the other files are made with.
    from survey.files.codebook.formats import CodebookFormat, codebook_file

    form = CodebookFormat(read_suffix(out, list(CodebookFormat), "--out"))
    settings = current_settings()
    with error_reporting(), output_file(out) as draft:
        with read_as_operator() as work:
            content = codebook_file(
                work, wave_key=wave, form=form, language=settings.language, data=data
            )
        _write_recorded(settings, draft, out.name, content)
    print_note("Written to {file}.", file=out)


@app.command()
def table(
    wave: WaveOption,
    out: Annotated[
        Path,
        typer.Option(
            help="Where to write it: .xlsx (publication workbook), .csv (tidy) or .zip (SDMX-CSV "
            "with its structure)."
        ),
    ],
) -> None:
    """Write the published figures of a wave, each with its interval, n and design effect.

    What the disclosure rules hide is marked; figures have the decimals of every page.
    """
    from survey.figures.tables.formats import TableFormat, table_file

    form = TableFormat(read_suffix(out, list(TableFormat), "--out"))
    settings = current_settings()
    with error_reporting(), output_file(out) as draft:
        with read_as_operator() as work:
            content = table_file(work, wave_key=wave, form=form, language=settings.language)
        _write_recorded(settings, draft, out.name, content)
    print_note("Written to {file}.", file=out)


def _write_recorded(settings: Settings, draft: OutputDraft, name: str, content: bytes) -> None:
    """Write a file of results and record in the trail that the operator took it."""
    draft.write(content)
    run_in_transaction(
        settings.store_url,
        lambda session: record_download(
            session=session,
            principal=OPERATOR,
            file_name=name,
            size=len(content),
            now=datetime.now(UTC),
        ),
    )


def analyst_principal(session: Session, login: str) -> Principal:
    """Return the active account in whose name a command acts."""
    account = get_account_by_login(session, login)
    if not is_active(account, datetime.now(UTC)):
        raise AccountNotFoundError
    return principal_of(account)


def _order(
    settings: Settings, session: Session, wave: str, account: str | None, purpose: str | None
) -> tuple[Principal, str]:
    """Return the reader that gets the rows, and the purpose; a demonstration has both."""
    if _is_demo(settings, session, wave):
        t = translator(settings.language)
        reader = (
            analyst_principal(session, account)
            if account
            else principal_of(get_demo_account(session, Role.ANALYST))
        )
        return reader, purpose or t("To try out the demonstration")
    if account is None or purpose is None:
        raise AnalystNeededError
    return analyst_principal(session, account), purpose


def _is_demo(settings: Settings, session: Session, key: str) -> bool:
    """Return whether a wave is of a demonstration; without results, say which waves have some."""
    wave = find_wave(session=session, key=key)
    if wave is not None and wave.state in COMPUTED_STATES:
        return wave.is_demo
    # Not at the top: rows that were kept are written without what reads results.
    from survey.results.row_selection import open_known_results

    return open_known_results(settings, session, key).wave.is_demo
