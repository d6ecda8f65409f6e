"""Commands that write reports of a wave as documents."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from survey.access.principal import OPERATOR
from survey.access.roles import NATION
from survey.cli.operator import change_as_operator
from survey.cli.options import read_suffix
from survey.cli.output import error_reporting, print_note
from survey.cli.output_file import output_file
from survey.figures.drawing import chart_process_for_report
from survey.reports.contents import ReportEdition, ReportKind
from survey.reports.report_batch import make_archive
from survey.reports.report_service import (
    ReportFile,
    ReportFormat,
    ReportOrder,
    ReportWaves,
    make_report_file,
    order_method,
    read_report_waves,
    record_reports,
)
from survey.settings import current_settings

app = typer.Typer(no_args_is_help=True, help="Reports of a wave: Word, PDF, slides.")


_PROGRESS_STEP = 10
"""Reports between two lines of progress."""


class ReportLanguage(StrEnum):
    """Language in which a report is written."""

    ZH = "zh"
    EN = "en"


Wave = Annotated[str, typer.Option(help="Key of a frozen wave, for example main-2024.")]
Out = Annotated[Path, typer.Option(help="Where to write it; the ending says the format.")]
Edition = Annotated[
    ReportEdition,
    typer.Option(help="large: letters of 18 points; easy: a page of a city in everyday words."),
]
Language = Annotated[ReportLanguage, typer.Option(help="Language of the report.")]


@app.command()
def city(
    code: Annotated[str, typer.Argument(help="Six-digit code of the city.")],
    wave: Wave,
    out: Out,
    language: Language = ReportLanguage.ZH,
    edition: Edition = ReportEdition.STANDARD,
) -> None:
    """Write the report of one city."""
    _write_report(wave, out, _order(ReportKind.CITY, code, out, language, edition))


@app.command()
def province(
    code: Annotated[str, typer.Argument(help="Code of the province: 32 or 320000.")],
    wave: Wave,
    out: Out,
    language: Language = ReportLanguage.ZH,
    edition: Edition = ReportEdition.STANDARD,
) -> None:
    """Write the report of one province."""
    area = code.removesuffix("0000")
    _write_report(wave, out, _order(ReportKind.PROVINCE, area, out, language, edition))


@app.command()
def nation(
    wave: Wave,
    out: Out,
    language: Language = ReportLanguage.ZH,
    edition: Edition = ReportEdition.STANDARD,
) -> None:
    """Write the national report."""
    _write_report(wave, out, _order(ReportKind.NATION, NATION, out, language, edition))


@app.command()
def method(wave: Wave, out: Out, language: Language = ReportLanguage.ZH) -> None:
    """Write the method of a wave as PDF, to which its reports point."""
    read_suffix(out, (ReportFormat.PDF,), "--out")
    _write_report(wave, out, order_method(language.value))


@app.command("all")
def write_all(
    wave: Wave,
    out: Annotated[Path, typer.Option(help="Archive to write, ending in .zip.")],
    language: Language = ReportLanguage.ZH,
    form: Annotated[
        ReportFormat, typer.Option("--format", help="Format of the reports in the archive.")
    ] = ReportFormat.DOCX,
) -> None:
    """Write the reports of all cities, and the method, into one archive."""
    if out.suffix.lower() != ".zip":
        raise typer.BadParameter("the file name has to end in .zip", param_hint="--out")
    settings = current_settings()
    with error_reporting(), output_file(out) as draft:
        waves = read_report_waves(settings, wave)
        archive = make_archive(
            settings,
            waves,
            principal=OPERATOR,
            form=form,
            language=language.value,
            tick=_build_progress_printer(),
        )
        draft.write(archive.content)
        _record(waves, archive.files)
    print_note("{count} reports written to {file}.", count=len(archive.files), file=out)


def _build_progress_printer() -> Callable[[int, int], None]:
    """Return a function of `(done, total)` that prints a progress line for every ten reports."""
    printed = 0

    def print_progress(done: int, total: int) -> None:
        nonlocal printed
        if done // _PROGRESS_STEP > printed:
            printed = done // _PROGRESS_STEP
            print_note("{done} of {total} reports", done=done, total=total)

    return print_progress


@app.command("check-template")
def check_template(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A Word template.")],
) -> None:
    """Say what is wrong with a Word template of reports; exit with 1 if anything is."""
    from survey.reports.template_check import find_template_problems, list_unused_sections

    with error_reporting():
        problems = find_template_problems(file)
        for problem in problems:
            print_note(problem)
        if problems:
            raise typer.Exit(1)
        unused = list_unused_sections(file)
        if unused:
            print_note("Sections that this template leaves out: {names}.", names=", ".join(unused))
        print_note("{file} can be used.", file=file.name)


def _order(
    kind: ReportKind, area: str, out: Path, language: ReportLanguage, edition: ReportEdition
) -> ReportOrder:
    form = ReportFormat(read_suffix(out, tuple(ReportFormat), "--out"))
    return ReportOrder(kind, area, form, language.value, edition)


def _write_report(wave: str, out: Path, order: ReportOrder) -> None:
    settings = current_settings()
    with error_reporting(), output_file(out) as draft, chart_process_for_report():
        waves = read_report_waves(settings, wave)
        file = make_report_file(settings, waves, principal=OPERATOR, order=order)
        draft.write(file.content)
        _record(waves, [(order, file)])
    print_note("Report written to {file}.", file=out)


def _record(waves: ReportWaves, files: Sequence[tuple[ReportOrder, ReportFile]]) -> None:
    change_as_operator(lambda work: record_reports(work, waves=waves, files=files))
