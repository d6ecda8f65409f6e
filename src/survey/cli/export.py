"""Commands that write files of a wave; the file name's suffix chooses the format."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from survey.access.principal import Principal
from survey.access.roles import Role
from survey.access.sessions import get_demo_account, principal_of
from survey.access.work import Work
from survey.cli.operator import (
    account_principal,
    change_as_operator,
    read_as_operator,
    record_output,
)
from survey.cli.options import WaveOption, read_suffix
from survey.cli.output import error_reporting, print_note
from survey.cli.output_file import output_file
from survey.files.microdata.export import (
    MicrodataFile,
    deviation_lines,
    export_rows,
    recording_refusals,
)
from survey.files.microdata.file_formats import FileFormat
from survey.locale import SurveyError, msg, translator
from survey.settings import current_settings
from survey.waves.waves import COMPUTED_STATES, find_wave

app = typer.Typer(no_args_is_help=True)


@app.callback()
def export() -> None:
    """Write files of a frozen wave, in the format of the file's name."""


class AnalystNeededError(SurveyError):
    code = "no_analyst_named"
    message = msg("Rows go to an analyst for a purpose. Please name both: --account and --purpose.")


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

    def export(work: Work) -> MicrodataFile:
        reader, why = _order(work, wave, account, purpose)
        made = export_rows(
            replace(work, principal=reader),
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
        made = change_as_operator(export, long_running=True)
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
    language = current_settings().language
    build = partial(codebook_file, wave_key=wave, form=form, language=language, data=data)
    _write_recorded(out, build)


@app.command()
def table(
    wave: WaveOption,
    out: Annotated[
        Path,
        typer.Option(
            help="Where to write it: .xlsx or .ods (publication workbook), .csv (tidy), "
            ".jsonstat (JSON-stat 2.0) or .zip (SDMX-CSV with its structure)."
        ),
    ],
) -> None:
    """Write the published figures of a wave, each with its interval, n and design effect.

    What the disclosure rules hide is marked; figures have the decimals of every page.
    """
    from survey.figures.tables.formats import TableFormat, table_file

    form = TableFormat(read_suffix(out, list(TableFormat), "--out"))
    language = current_settings().language
    _write_recorded(out, partial(table_file, wave_key=wave, form=form, language=language))


def _write_recorded(out: Path, build: Callable[[Work], bytes]) -> None:
    with error_reporting(), output_file(out) as draft:
        with read_as_operator() as work:
            content = build(work)
        draft.write(content)
        record_output(out.name, len(content))
    print_note("Written to {file}.", file=out)


def _order(
    work: Work, wave: str, account: str | None, purpose: str | None
) -> tuple[Principal, str]:
    """Return (account that gets the rows, purpose); both required, but demo waves have defaults."""
    if _is_demo(work, wave):
        t = translator(work.settings.language)
        reader = (
            account_principal(work, account)
            if account
            else principal_of(get_demo_account(work.session, Role.ANALYST))
        )
        return reader, purpose or t("To try out the demonstration")
    if account is None or purpose is None:
        raise AnalystNeededError
    return account_principal(work, account), purpose


def _is_demo(work: Work, key: str) -> bool:
    """Return whether a wave is demo data; if it has no results, raise and name waves that have."""
    wave = find_wave(session=work.session, key=key)
    if wave is not None and wave.state in COMPUTED_STATES:
        return wave.is_demo
    # Not at the top: rows that were kept are written without what reads results.
    from survey.results.row_selection import open_known_results

    return open_known_results(work.settings, work.session, key).wave.is_demo
