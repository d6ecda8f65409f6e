"""Commands that assess the quality of interviews."""

import os
from typing import Annotated

import typer

from survey.cli.operator import change_as_operator, read_as_operator
from survey.cli.output import FormatOption, OutputFormat, error_reporting, print_note, print_table
from survey.review.quality.assessment import (
    assess_new_responses,
    assess_wave,
    remove_withdrawn_assessments,
)
from survey.review.quality.flags import FlagKind
from survey.review.quality.summary import QualityGrouping, QualityRow, summarise_quality
from survey.settings import current_settings

COLUMNS = (
    "level", "key", "name", "interviews", "valid", "valid_rate", "valid_low", "valid_high",
    "to_review", *(kind.value for kind in FlagKind), "median_pace", "median_seconds", "icc",
    "deff", "mobilised",
)  # fmt: skip


def quality(
    wave: Annotated[str, typer.Option(help="Key of the wave, for example main-2024.")],
    by: Annotated[str, typer.Option(help="city, agency, point or surveyor.")] = "city",
    stored: Annotated[
        bool, typer.Option("--stored", help="Print what is stored; do not assess again.")
    ] = False,
    form: FormatOption = OutputFormat.TABLE,
) -> None:
    """Assess every finished interview of a wave, then print the flags per kind and city.

    The first row is the whole wave. Flags never change an interview; people decide at review.
    """
    levels: dict[str, QualityGrouping] = {
        "city": "city", "agency": "agency", "point": "point", "surveyor": "surveyor",
    }  # fmt: skip
    if by not in levels:
        raise typer.BadParameter(f"{by}: city, agency, point or surveyor")
    with error_reporting():
        if not stored:
            change_as_operator(lambda work: assess_wave(work, wave_key=wave), long_running=True)
            change_as_operator(lambda work: remove_withdrawn_assessments(work, wave_key=wave))
        chosen: tuple[QualityGrouping, QualityGrouping] = ("wave", levels[by])
        with read_as_operator() as work:
            rows = [
                (level, row)
                for level in chosen
                for row in summarise_quality(work, wave_key=wave, by=level)
            ]
        print_table(COLUMNS, [_format_row(level, row) for level, row in rows], form)
        for level, row in rows:
            if level == "city" and row.has_mobilisation_pattern:
                print_note(
                    "{city}: {count} of {all} interviews came in bursts. Were people sent there?",
                    city=row.name[current_settings().language],
                    count=row.flags[FlagKind.BURST],
                    all=row.interviews,
                )


def quality_new() -> None:
    """Look at new interviews of open waves, as the running platform does every few minutes.

    Does nothing while another process looks, or within three minutes of the last look.
    """
    os.nice(10)
    with error_reporting():
        written = assess_new_responses(current_settings().store_url)
        print_note("{count} interviews were looked at.", count=written)


def _format_row(level: str, row: QualityRow) -> tuple[object, ...]:
    effect = row.effect
    return (
        level,
        row.key,
        row.name[current_settings().language],
        row.interviews,
        row.valid,
        _rounded(row.valid_rate),
        _rounded(row.valid_low),
        _rounded(row.valid_high),
        row.to_review,
        *(row.flags.get(kind, 0) for kind in FlagKind),
        _rounded(row.median_pace),
        _rounded(row.median_seconds),
        _rounded(effect.icc if effect else None),
        _rounded(effect.deff if effect else None),
        level == "city" and row.has_mobilisation_pattern,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
