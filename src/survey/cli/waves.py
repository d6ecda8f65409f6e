"""Bring answers in from files, and freeze a wave."""

from pathlib import Path
from typing import Annotated

import typer

from survey.access.principal import OPERATOR
from survey.cli.output import Format, FormatOption, print_record, print_table, reporting_errors, say
from survey.publish.results import freeze_wave
from survey.settings import current_settings


def freeze(
    wave: Annotated[str, typer.Option(help="Key of the wave, for example main-2024.")],
    final: Annotated[
        bool,
        typer.Option(
            "--final",
            help="Close the wave for good: its responses become frozen. Without it the snapshot "
            "is provisional and may be made again.",
        ),
    ] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Freeze the approved responses of a wave and compute every estimate.

    Writes typed Parquet with a manifest, rakes the weights, and applies the disclosure rules.
    """
    with reporting_errors():
        frozen = freeze_wave(current_settings(), wave_key=wave, final=final, actor=OPERATOR)
        print_record(frozen.model_dump(mode="json"), form)
