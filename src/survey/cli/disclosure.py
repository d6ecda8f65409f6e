"""Commands that audit which hidden counts could be computed from published ones."""

import os
from typing import Annotated

import typer

from survey.access.principal import OPERATOR
from survey.cli.operator import change_as_operator
from survey.cli.output import FormatOption, OutputFormat, error_reporting, print_note, print_table
from survey.results.audit_runs import audit_frozen_waves
from survey.results.whole_audits import audit_wave
from survey.settings import current_settings

app = typer.Typer(no_args_is_help=True, help="What published figures tell of hidden ones.")
_COLUMNS = ("area_level", "area", "group", "indicator", "low", "high")


@app.callback()
def disclosure() -> None:
    """What published figures tell of hidden ones."""


@app.command()
def audit(
    wave: Annotated[str, typer.Option(help="Key of the wave, for example main-2024.")],
    every_cell: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Every hidden cell, however long it takes; without it as many as a freeze does.",
        ),
    ] = False,
    form: FormatOption = OutputFormat.TABLE,
) -> None:
    """Bound every hidden count of a frozen wave by all published ones (linear programming).

    Lists the hidden cells whose count is known too closely, and then exits with code 1.
    """
    with error_reporting():
        wave_audit = change_as_operator(
            lambda work: audit_wave(work, wave_key=wave, every_cell=every_cell), long_running=True
        )
        rows = [tuple(getattr(each, name) for name in _COLUMNS) for each in wave_audit.narrow]
        if rows or form is not OutputFormat.TABLE:
            print_table(_COLUMNS, rows, form)
        if form is OutputFormat.TABLE:
            print_note(
                "{audited} of {hidden} hidden cells audited; {narrow} are known too closely.",
                audited=wave_audit.audited,
                hidden=wave_audit.hidden,
                narrow=len(wave_audit.narrow),
            )
    if wave_audit.narrow:
        raise typer.Exit(1)


@app.command("audit-new")
def audit_new() -> None:
    """Audit what no freeze has reached of the waves frozen for good, as the platform does.

    Does nothing while another process audits, or within ten minutes of a wave that it could not
    read.
    """
    os.nice(10)
    with error_reporting():
        for wave in audit_frozen_waves(current_settings(), actor=OPERATOR):
            print_note("{wave}: every hidden count was audited.", wave=wave)
