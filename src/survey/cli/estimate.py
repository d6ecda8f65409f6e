"""Command that prints protected estimates, gaps, changes and ranks."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import pandas as pd
import typer
from sqlmodel import Session

from survey.access.principal import OPERATOR
from survey.cli.options import WaveOption
from survey.cli.output import FormatOption, OutputFormat, error_reporting, print_note, print_table
from survey.figures.tables.published_tables import build_records, record_columns
from survey.results import WaveResults
from survey.results.row_selection import (
    find_earlier_wave,
    open_known_results,
    select_rows,
    unknown_choice,
)
from survey.settings import Settings, current_settings
from survey.store.engine import read_scope


class ResultTable(StrEnum):
    """Table of a wave's results that `survey estimate` can print, such as ranks."""

    CELLS = "cells"
    GAPS = "gaps"
    CHANGES = "changes"
    RANKS = "ranks"


CONTRASTS = ("rest", "nation", "region3", "size_tier")
"""References that gaps are measured against."""


def estimate(
    wave: WaveOption,
    table: Annotated[
        ResultTable,
        typer.Option(
            help="cells: the estimates. gaps: differences, see --contrast. changes: from the wave "
            "--before. ranks: places of the cities."
        ),
    ] = ResultTable.CELLS,
    area_level: Annotated[
        str | None,
        typer.Option(
            help="nation, region3, region, province, city_class, … or city. Default: nation; "
            "city for ranks and for gaps against the nation or peers."
        ),
    ] = None,
    area: Annotated[list[str] | None, typer.Option(help="Areas to show; may repeat.")] = None,
    group: Annotated[
        list[str] | None, typer.Option(help="Groups, for example all or gender=male; may repeat.")
    ] = None,
    indicator: Annotated[
        list[str] | None,
        typer.Option(help="composite, a code of the tree, or a measure; may repeat."),
    ] = None,
    contrast: Annotated[
        str,
        typer.Option(
            help="Of gaps: rest (a group against the rest of its area), nation, region3 or "
            "size_tier (a city against its peers)."
        ),
    ] = "nation",
    before: Annotated[
        str | None, typer.Option(help="Of changes: the earlier wave of the same series.")
    ] = None,
    form: FormatOption = OutputFormat.TABLE,
) -> None:
    """Print the estimates of a frozen wave with interval, n and design effect.

    Gaps, changes and ranks with --table. Every figure has passed the disclosure rules; rows that
    they hide are listed without figures.
    """
    if (table is ResultTable.CHANGES) != (before is not None):
        raise typer.BadParameter("--before goes with --table changes, and the other way round.")
    with error_reporting():
        settings = current_settings()
        asked: dict[str, Sequence[str] | None] = {
            "area_level": [area_level or _choose_default_level(table, contrast)],
            "area": area,
            "group": None if table is ResultTable.RANKS else group or ["all"],
            "indicator": indicator,
        }
        with read_scope(settings.store_url) as session:
            results = open_known_results(settings, session, wave)
            rows = _read_table(settings, session, results, table, contrast, before)
        _print_rows(results, select_rows(rows, asked), form, settings.language)


def _choose_default_level(table: ResultTable, contrast: str) -> str:
    if table is ResultTable.RANKS:
        return "city"
    return "city" if table is ResultTable.GAPS and contrast != "rest" else "nation"


def _read_table(
    settings: Settings,
    session: Session,
    results: WaveResults,
    table: ResultTable,
    contrast: str,
    before: str | None,
) -> pd.DataFrame:
    if table is ResultTable.RANKS:
        return results.ranks(OPERATOR)
    if table is ResultTable.GAPS:
        if contrast not in CONTRASTS:
            raise unknown_choice("contrast", contrast, CONTRASTS)
        return results.gaps(OPERATOR, contrast=contrast)
    if table is ResultTable.CHANGES:
        earlier = find_earlier_wave(settings, session, results, before or "")
        return results.changes(OPERATOR, before=earlier)
    return results.cells(OPERATOR)


def _print_rows(
    results: WaveResults, rows: pd.DataFrame, form: OutputFormat, language: str
) -> None:
    info = results.wave
    if info.is_demo:
        print_note("These are demonstration data.")
    if form is OutputFormat.TABLE:
        print_note("{wave}, snapshot {sha256}", wave=info.key, sha256=info.snapshot_sha256)
        if info.seal_sha256:
            print_note("Figures: {sha256}", sha256=info.seal_sha256)
    is_for_people = form is OutputFormat.TABLE
    columns = record_columns(rows, with_origin=not is_for_people)
    records = build_records(results, rows, language, with_origin=not is_for_people)
    print_table(columns, [tuple(record.values()) for record in records], form)
