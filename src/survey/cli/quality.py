"""Look for odd interviews and say where they are."""

import os
from datetime import UTC, datetime
from typing import Annotated

import typer

from survey.access.principal import OPERATOR
from survey.cli.output import Format, FormatOption, print_table, reporting_errors, say
from survey.fieldwork.quality import By, FlagKind, QualityRow, assess_wave, look_at_new, quality_by
from survey.settings import current_settings
from survey.store.engine import read_scope, session_scope

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
    form: FormatOption = Format.TABLE,
) -> None:
    """Assess every finished interview of a wave, then print the flags per kind and city.

    The first row is the whole wave. Flags never change an interview; people decide at review.
    """
    levels: dict[str, By] = {
        "city": "city", "agency": "agency", "point": "point", "surveyor": "surveyor",
    }  # fmt: skip
    if by not in levels:
        raise typer.BadParameter(f"{by}: city, agency, point or surveyor")
    with reporting_errors():
        url = current_settings().store_url
        if not stored:
            now = datetime.now(UTC)
            with session_scope(url, patient=True) as session:
                assess_wave(session=session, principal=OPERATOR, wave_key=wave, now=now)
        chosen: tuple[By, By] = ("wave", levels[by])
        with read_scope(url) as session:
            rows = [
                (level, row)
                for level in chosen
                for row in quality_by(session=session, principal=OPERATOR, wave_key=wave, by=level)
            ]
        print_table(COLUMNS, [_printed(level, row) for level, row in rows], form)
        for level, row in rows:
            if level == "city" and row.mobilised:
                say(
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
    with reporting_errors():
        written = look_at_new(current_settings().store_url)
        say("{count} interviews were looked at.", count=written)


def _printed(level: str, row: QualityRow) -> tuple[object, ...]:
    effect = row.effect
    return (
        level, row.key, row.name[current_settings().language], row.interviews, row.valid,
        _short(row.valid_rate), _short(row.valid_low), _short(row.valid_high), row.to_review,
        *(row.flags.get(kind, 0) for kind in FlagKind), _short(row.median_pace),
        _short(row.median_seconds), _short(effect.icc if effect else None),
        _short(effect.deff if effect else None), level == "city" and row.mobilised,
    )  # fmt: skip


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
