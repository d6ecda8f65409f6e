"""Tables of a wave as they are published: every figure with its n, interval and design effect.

They read what every page reads, through the gate, the embargo and the area of the reader, with the
decimals that were published. A cell without a figure says so with a mark, never with a blank.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from survey.estimate.tree import COMPOSITE
from survey.locale import msg
from survey.publish.views.display_names import AREA_LEVEL_NAMES
from survey.publish.views.estimate_text import UNRELIABLE
from survey.publish.views.view_context import ViewContext, rating_keys
from survey.sample.special_groups import EVERYONE

HIDDEN_MARK, ABSENT_MARK, UNRELIABLE_MARK = "[c]", "[x]", "[u]"
MARKS = (
    (HIDDEN_MARK, msg("Not shown: too few interviews, or to protect personal data")),
    (ABSENT_MARK, msg("Not available: nobody was asked, or not open to this reader")),
    (UNRELIABLE_MARK, msg("For orientation only: few interviews or few sampling points")),
)
"""Marks of cells without a figure, and of figures that are not reliable."""
Cell = str | float | int
_FIGURES = ("estimate", "ci_low", "ci_high", "n", "deff")


@dataclass(frozen=True)
class PublishedTable:
    """One table of the workbook; `heads` name the unit of their column."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    """A figure or its mark in every cell; names in the first column."""


def build_tables(context: ViewContext) -> tuple[PublishedTable, ...]:
    """Build the tables of a wave, the most wanted first; none without rows."""
    t, tables = context.t, [_cities(context), _larger_areas(context)]
    if context.results.tree is not None:
        tables += [_indicators(context), _cities_by_indicator(context)]
    tables += [_groups(context), _measures(context)]
    return tuple(
        PublishedTable(
            t("Table {number}: {title}", number=number, title=table.title), table.heads, table.rows
        )
        for number, table in enumerate([each for each in tables if each.rows], 1)
    )


def score_unit(context: ViewContext) -> str:
    return context.t("points, 0–100")


def _heads(context: ViewContext, first: str, unit: str) -> tuple[str, ...]:
    t = context.t
    figure, low, high = t("Figure"), t("Lower limit, 95 percent"), t("Upper limit, 95 percent")
    return (
        first,
        *(f"{head} ({unit})" for head in (figure, low, high)),
        t("n (interviews, unweighted)"),
        t("Design effect (ratio)"),
        t("Mark"),
    )


def _figures(row: dict[str, Any]) -> tuple[Cell, ...]:
    """Return the figures of a row, or their mark, and the mark of the row."""
    if not row["shown"]:
        return (*(HIDDEN_MARK for _ in _FIGURES), HIDDEN_MARK)
    cells: list[Cell] = []
    for name in _FIGURES:
        value = row[name]
        if pd.isna(value):
            cells.append(ABSENT_MARK)
        else:
            cells.append(int(value) if name == "n" else float(value))
    return (*cells, UNRELIABLE_MARK if row["status"] == UNRELIABLE else "")


def _records(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for record in table.to_dict("records"):
        yield {str(name): value for name, value in record.items()}


def _main_indicator(context: ViewContext) -> str:
    """Return the composite, or the first rating of a wave without a tree."""
    if context.results.tree is not None:
        return COMPOSITE
    ratings = (*context.results.method.items, *rating_keys(context.results))
    return ratings[0] if ratings else COMPOSITE


def _cities(context: ViewContext) -> PublishedTable:
    t, names = context.t, context.names
    rows = _area_rows(context, "city")
    heads = _heads(context, t("City"), score_unit(context))
    return PublishedTable(
        t("{indicator} by city", indicator=names.indicator(_main_indicator(context))),
        (t("Code"), *heads),
        tuple((str(row["area"]), names.area(str(row["area"])), *_figures(row)) for row in rows),
    )


def _larger_areas(context: ViewContext) -> PublishedTable:
    t, names = context.t, context.names
    levels = [level for level in AREA_LEVEL_NAMES if level != "city"]
    rows = (row for level in levels for row in _area_rows(context, level))
    heads = _heads(context, t("Area"), score_unit(context))
    return PublishedTable(
        t("{indicator} by larger areas", indicator=names.indicator(_main_indicator(context))),
        (t("Kind of area"), *heads),
        tuple(
            (names.level(str(row["area_level"])), names.area(str(row["area"])), *_figures(row))
            for row in rows
        ),
    )


def _area_rows(context: ViewContext, level: str) -> list[dict[str, Any]]:
    cells = context.results.cells(
        context.principal, area_level=level, group=EVERYONE, indicator=_main_indicator(context)
    )
    return sorted(_records(cells), key=lambda row: str(row["area"]))


def _indicators(context: ViewContext) -> PublishedTable:
    t, names = context.t, context.names
    cells = context.results.cells(context.principal, area_level="nation", group=EVERYONE)
    by_code = {str(row["indicator"]): row for row in _records(cells)}
    codes = [code for code in _tree_codes(context) if code in by_code]
    return PublishedTable(
        t("Indicators, nation"),
        _heads(context, t("Indicator"), score_unit(context)),
        tuple((names.numbered(code), *_figures(by_code[code])) for code in codes),
    )


def _tree_codes(context: ViewContext) -> list[str]:
    tree = context.results.tree
    return [COMPOSITE, *(indicator.code for indicator in tree.indicators)] if tree else []


def _cities_by_indicator(context: ViewContext) -> PublishedTable:
    t, names = context.t, context.names
    codes = _tree_codes(context)
    cells = context.results.cells(context.principal, area_level="city", group=EVERYONE)
    figures = {(str(row["area"]), str(row["indicator"])): row for row in _records(cells)}
    cities = sorted({city for city, _ in figures})
    unit = score_unit(context)
    return PublishedTable(
        t("Indicators by city"),
        (t("Code"), t("City"), *(f"{names.numbered(code)} ({unit})" for code in codes)),
        tuple(
            (city, names.area(city), *(_score(figures.get((city, code))) for code in codes))
            for city in cities
        ),
    )


def _score(row: dict[str, Any] | None) -> Cell:
    if row is None or (row["shown"] and pd.isna(row["estimate"])):
        return ABSENT_MARK
    return float(row["estimate"]) if row["shown"] else HIDDEN_MARK


def _groups(context: ViewContext) -> PublishedTable:
    t, names = context.t, context.names
    cells = context.results.cells(
        context.principal, area_level="nation", indicator=_main_indicator(context)
    )
    return PublishedTable(
        t("Groups of respondents, nation"),
        _heads(context, t("Group"), score_unit(context)),
        tuple((names.group(str(row["group"])), *_figures(row)) for row in _records(cells)),
    )


def _measures(context: ViewContext) -> PublishedTable:
    t, names = context.t, context.names
    cells = context.results.cells(context.principal, area_level="nation", group=EVERYONE)
    by_key = {str(row["indicator"]): row for row in _records(cells)}
    rates = [each.key for each in context.results.method.measures if each.choices]
    return PublishedTable(
        t("Shares of answers, nation"),
        _heads(context, t("Share"), "%"),
        tuple((names.indicator(key), *_figures(by_key[key])) for key in rates if key in by_key),
    )


def tidy_table(context: ViewContext) -> pd.DataFrame:
    """Return a row for each area, group and indicator that is open to the reader."""
    cells = context.results.cells(context.principal)
    names, t = context.names, context.t
    rates = {each.key for each in context.results.method.measures if each.choices}
    means = {each.key for each in context.results.method.measures} - rates
    shown = cells["shown"].to_numpy(dtype=bool)
    unreliable = (cells["status"].astype(str) == UNRELIABLE).to_numpy()
    absent = cells["estimate"].isna().to_numpy()
    marks = pd.Series("", index=cells.index).mask(unreliable, UNRELIABLE_MARK)
    marks = marks.mask(absent, ABSENT_MARK).mask(~shown, HIDDEN_MARK)
    units = dict.fromkeys(rates, "%") | {key: t("mean of the answers") for key in means}
    return pd.DataFrame(
        {
            "wave": context.wave.key,
            "demo": t("Demo data") if context.wave.is_demo else "",
            "area_level": _named(cells["area_level"], str),
            "area": _named(cells["area"], str),
            "area_name": _named(cells["area"], names.area),
            "group": _named(cells["group"], str),
            "group_name": _named(cells["group"], names.group),
            "indicator": _named(cells["indicator"], str),
            "indicator_name": _named(cells["indicator"], names.indicator),
            "unit": _named(cells["indicator"], lambda code: units.get(code, score_unit(context))),
            "estimate": cells["estimate"],
            "ci_low": cells["ci_low"],
            "ci_high": cells["ci_high"],
            "n": cells["n"].astype("Int64"),
            "deff": cells["deff"],
            "mark": marks,
        }
    )


def _named(column: pd.Series, name: Any) -> pd.Series:
    """Return the names of the values of a column, each made once."""
    distinct: Iterable[str] = column.astype(str).unique()
    return column.astype(str).map({value: name(value) for value in distinct}).astype("string")
