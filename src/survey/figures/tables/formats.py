"""Formats of the published tables, made for one reader; the tidy table is one."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any

import pandas as pd

from survey.access.roles import Action
from survey.access.work import Work
from survey.figures.figure_table import (
    AGREEMENT,
    GAP,
    IMPORTANCE,
    RANK,
    csv_bytes,
    gap_measure,
    list_figures,
)
from survey.figures.tables.json_stat import json_stat_bytes
from survey.figures.tables.published_tables import (
    ABSENT_MARK,
    HIDDEN_MARK,
    REST,
    UNRELIABLE_MARK,
    build_tables,
    score_unit,
)
from survey.figures.tables.sdmx import sdmx_bytes
from survey.figures.tables.workbook_sheets import ods_bytes, workbook_bytes
from survey.figures.views.estimate_text import UNRELIABLE
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import EVERYONE, SPECIAL_GROUPS
from survey.results import WaveInfo, list_earlier_waves
from survey.results.row_selection import open_known_results


def tidy_table(context: ViewContext, earlier: Sequence[WaveInfo] = ()) -> pd.DataFrame:
    """Return the figures open to the reader, one a row, with changes since the `earlier` waves.

    Differences are those of everybody, and of special groups from the rest of their area; the file
    of all figures of a release has the others.
    """
    figures = pd.concat(list(_iter_tidy(context, earlier)), ignore_index=True)
    names, t = context.names, context.t
    is_unreliable = figures["status"] == UNRELIABLE
    marks = pd.Series("", index=figures.index).mask(is_unreliable, UNRELIABLE_MARK)
    marks = marks.mask(figures["estimate"].isna(), ABSENT_MARK)
    marks = marks.mask(~figures["shown"], HIDDEN_MARK)
    return pd.DataFrame(
        {
            "id": figures["id"],
            "wave": context.wave.key,
            "demo": t("Demo data") if context.wave.is_demo else "",
            "area_level": _name_values(figures["area_level"], str),
            "area": _name_values(figures["area"], str),
            "area_name": _name_values(figures["area"], names.area),
            "group": _name_values(figures["group"], str),
            "group_name": _name_values(figures["group"], names.group),
            "indicator": _name_values(figures["indicator"], str),
            "indicator_name": _name_values(figures["indicator"], names.indicator),
            "measure": _name_values(figures["measure"], str),
            "unit": _name_units(context, figures),
            "estimate": figures["estimate"],
            "ci_low": figures["ci_low"],
            "ci_high": figures["ci_high"],
            "n": figures["n"].astype("Int64"),
            "deff": figures["deff"],
            "mark": marks,
        }
    )


def _iter_tidy(context: ViewContext, earlier: Sequence[WaveInfo]) -> Iterator[pd.DataFrame]:
    """Yield the tidy table's figures by kind, changes since `earlier` waves; few gaps of groups."""
    for figures in list_figures(context.results, context.principal, earlier):
        is_gap = figures["measure"].str.startswith(f"{GAP}.").to_numpy(dtype=bool)
        is_special = figures["group"].isin(SPECIAL_GROUPS) & (
            figures["measure"] == gap_measure(REST)
        )
        yield figures[~is_gap | (figures["group"] == EVERYONE) | is_special]


def _name_units(context: ViewContext, figures: pd.DataFrame) -> pd.Series:
    """Return the unit of each figure, such as per cent or points, by measure and indicator."""
    t = context.t
    measures = context.results.method.measures
    units = {each.key: "%" if each.choices else t("mean of the answers") for each in measures}
    own = {RANK: t("place"), IMPORTANCE: "%", AGREEMENT: "%"}
    points, differences = score_unit(context), t("points")

    def unit(measure: str, indicator: str) -> str:
        if measure in own:
            return own[measure]
        return units.get(indicator, points if "." not in measure else differences)

    pairs = figures["measure"] + "\t" + figures["indicator"]
    return _name_values(pairs, lambda pair: unit(*pair.split("\t")))


def _name_values(column: pd.Series, name: Any) -> pd.Series:
    """Return a categorical with `name(value)` for each value of a column, called once per value."""
    codes, distinct = pd.factorize(column)
    names = [name(str(value)) for value in distinct]
    categories = list(dict.fromkeys(names))
    positions = pd.Index(categories).get_indexer(pd.Index(names))
    return pd.Series(
        pd.Categorical.from_codes(positions[codes], pd.Index(categories)), index=column.index
    )


class TableFormat(StrEnum):
    XLSX = "xlsx"
    """Publication workbook."""
    ODS = "ods"
    """The same workbook as OpenDocument."""
    JSON_STAT = "jsonstat"
    """The tidy figures as a JSON-stat 2.0 dataset."""
    CSV = "csv"
    """Tidy: a row for each area, group and indicator."""
    SDMX = "zip"
    """SDMX-CSV with its structure file, which belong together."""


def table_file(work: Work, *, wave_key: str, form: TableFormat, language: str) -> bytes:
    """Return the tables of a wave that the reader may see, in one of the formats.

    Raises:
        AccessDeniedError: the reader may not read results.
        SnapshotNotFoundError: the wave was never frozen.
    """
    work.require(Action.READ_RESULTS)
    results = open_known_results(work.settings, work.session, wave_key)
    context = ViewContext(results, work.principal, language)
    if form is TableFormat.SDMX:
        return sdmx_bytes(context)
    earlier = list_earlier_waves(work.settings, work.session, results.wave)
    if form is TableFormat.CSV:
        return csv_bytes(tidy_table(context, earlier))
    if form is TableFormat.JSON_STAT:
        return json_stat_bytes(context, tidy_table(context, earlier))
    write = ods_bytes if form is TableFormat.ODS else workbook_bytes
    return write(context, build_tables(context, next(iter(earlier), None)))
