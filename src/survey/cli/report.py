"""Commands that make reports of a wave as documents."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from survey.access.principal import OPERATOR
from survey.access.roles import NATION
from survey.cli.output import error_reporting, print_note
from survey.publish.reports.contents import ReportKind
from survey.publish.reports.report_service import (
    ReportFormat,
    ReportOrder,
    make_report_file,
    read_report_waves,
    record_report,
)
from survey.settings import current_settings
from survey.store.transactions import run_in_transaction

app = typer.Typer(no_args_is_help=True, help="Reports of a wave: Word, PDF, slides.")


class ReportLanguage(StrEnum):
    """Language of a report."""

    ZH = "zh"
    EN = "en"


Wave = Annotated[str, typer.Option(help="Key of a frozen wave, for example main-2024.")]
Out = Annotated[Path, typer.Option(help="Where to write it; the ending says the format.")]
Language = Annotated[ReportLanguage, typer.Option(help="Language of the report.")]


@app.command()
def city(
    code: Annotated[str, typer.Argument(help="Six-digit code of the city.")],
    wave: Wave,
    out: Out,
    language: Language = ReportLanguage.ZH,
) -> None:
    """Write the report of one city."""
    _write_report(ReportKind.CITY, code, wave, out, language)


@app.command()
def province(
    code: Annotated[str, typer.Argument(help="Two-digit code of the province.")],
    wave: Wave,
    out: Out,
    language: Language = ReportLanguage.ZH,
) -> None:
    """Write the report of one province."""
    _write_report(ReportKind.PROVINCE, code, wave, out, language)


@app.command()
def nation(wave: Wave, out: Out, language: Language = ReportLanguage.ZH) -> None:
    """Write the national report."""
    _write_report(ReportKind.NATION, NATION, wave, out, language)


def _write_report(
    kind: ReportKind, area: str, wave: str, out: Path, language: ReportLanguage
) -> None:
    order = ReportOrder(kind, area, _format_of(out), language.value)
    with error_reporting():
        settings = current_settings()
        waves = read_report_waves(settings, wave)
        file = make_report_file(settings, waves, principal=OPERATOR, order=order)
        run_in_transaction(
            settings.store_url,
            lambda session: record_report(
                session=session,
                principal=OPERATOR,
                waves=waves,
                order=order,
                file=file,
                now=datetime.now(UTC),
            ),
        )
        _write_file(out, file.content)
        print_note("Report written to {file}.", file=out)


def _format_of(out: Path) -> ReportFormat:
    ending = out.suffix.removeprefix(".").lower()
    if ending not in list(ReportFormat):
        listed = ", ".join(f".{form}" for form in ReportFormat)
        raise typer.BadParameter(listed, param_hint="--out")
    return ReportFormat(ending)


def _write_file(out: Path, content: bytes) -> None:
    try:
        out.write_bytes(content)
    except OSError as error:
        raise typer.BadParameter(f"{out}: {error.strerror}") from error
