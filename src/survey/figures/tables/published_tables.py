"""Tables of a wave as they are published, and the records that programs read of them.

They are figures with the decimals that were published, as `survey.figures.figure_table` reads
them. A cell without a figure says so with a mark, never with a blank.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Unpack

import pandas as pd

from survey.estimate.tree import COMPOSITE
from survey.figures.figure_table import (
    RANK,
    VALUES,
    read_changes,
    read_gaps,
    read_importance,
    read_models,
    read_ranks,
    read_scores,
)
from survey.figures.views.display_names import AREA_LEVEL_NAMES, DisplayNames
from survey.figures.views.estimate_text import UNRELIABLE
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import EVERYONE, SPECIAL_GROUPS
from survey.locale import msg
from survey.results import WaveInfo, WaveResults
from survey.results.wave_results import CellFilters, ChangeNotComputedError

KEYS = ("area_level", "area", "group", "indicator")
_NAMED = frozenset({"area", "group", "indicator"})
ORIGIN = ("wave", "snapshot", "figures_sha256", "demo")
"""Columns that say where a row comes from."""
_OF_HIDDEN = frozenset(
    {*ORIGIN, *KEYS, "contrast", "before_wave", "shown", "reason"}
    | {f"{key}_name" for key in _NAMED}
)
"""Columns of a hidden row; any other would reveal something of what is hidden."""
_COUNTS = frozenset(
    {"n", "n_psu", "df", "n_reference", "n_before", "n_after", "rank", "tied", "ranked",
     "low", "high", "marginal_low", "marginal_high", "sensitivity_low", "sensitivity_high"}
)  # fmt: skip


def record_columns(rows: pd.DataFrame, *, with_origin: bool) -> list[str]:
    """Return the columns of the records, with a name after each code that has one."""
    return list(_iter_columns([str(column) for column in rows.columns], with_origin=with_origin))


def _iter_columns(columns: Sequence[str], *, with_origin: bool) -> Iterator[str]:
    if with_origin:
        yield from ORIGIN
    for key in KEYS:
        if key in columns:
            yield key
            if key in _NAMED:
                yield f"{key}_name"
    yield from (column for column in columns if column not in KEYS)


def build_records(
    results: WaveResults, rows: pd.DataFrame, language: str, *, with_origin: bool
) -> list[dict[str, Any]]:
    """Return one record a row, by column; None where nothing is published.

    Args:
        rows: rows of a table of `results`, already behind the gate.
        with_origin: whether each record says wave, snapshot, figures and whether it is a
            demonstration.
    """
    info = results.wave
    names = DisplayNames.of(results, language)
    namers = {"area": names.area, "group": names.group, "indicator": names.indicator}
    origin = {
        "wave": info.key,
        "snapshot": info.snapshot_sha256,
        "figures_sha256": info.seal_sha256 or None,
        "demo": info.is_demo,
    }
    columns = record_columns(rows, with_origin=with_origin)
    records = []
    for row in rows.to_dict("records"):
        values: dict[str, Any] = {**origin, **{str(column): value for column, value in row.items()}}
        values |= {
            f"{key}_name": name(str(values[key])) for key, name in namers.items() if key in values
        }
        is_hidden = not values["shown"]
        records.append(
            {
                column: None
                if is_hidden and column not in _OF_HIDDEN
                else _simplify_value(column, values[column])
                for column in columns
            }
        )
    return records


def _simplify_value(column: str, value: Any) -> Any:
    """Return counts as whole numbers and missing values as None."""
    if value is pd.NA or value is None or value != value:
        return None
    if not isinstance(value, float):
        return value
    return int(value) if value == int(value) and column in _COUNTS else round(value, 4) + 0.0


HIDDEN_MARK, ABSENT_MARK, UNRELIABLE_MARK = "[c]", "[x]", "[u]"
MARKS = (
    (HIDDEN_MARK, msg("Not shown: too few interviews, or to protect personal data")),
    (ABSENT_MARK, msg("Not available: nobody was asked, or not open to this reader")),
    (UNRELIABLE_MARK, msg("For orientation only: few interviews or few sampling points")),
)
"""Marks of cells without a figure, and of figures that are not reliable."""
Cell = str | float | int
REST = "rest"
"""Contrast of a group with everybody else of its area."""
_WHOLE: Mapping[str, Sequence[str]] = {RANK: VALUES}
"""Columns of whole numbers of a measure; of others n alone."""


@dataclass(frozen=True)
class PublishedTable:
    """One table of the workbook; `heads` name the unit of their column."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    """A figure or its mark in every cell; names in the first column."""


def build_tables(
    context: ViewContext, before: WaveInfo | None = None
) -> tuple[PublishedTable, ...]:
    """Build the tables of a wave, the most wanted first; none without rows.

    Args:
        before: the wave before, for the table of changes.
    """
    t, tables = (
        context.t,
        [_build_city_table(context), _build_rank_table(context), _build_larger_area_table(context)],
    )
    if context.results.tree is not None:
        tables += [_build_indicator_table(context), _build_city_indicator_table(context)]
    else:
        tables += _build_question_tables(context)
    tables += [
        _build_group_table(context),
        _build_measure_table(context),
        _build_gap_table(context),
        _build_special_group_table(context),
    ]
    tables += [
        _build_model_table(context),
        *_iter_change_tables(context, before),
        _build_importance_table(context),
    ]
    return tuple(
        PublishedTable(
            t("Table {number}: {title}", number=number, title=table.title), table.heads, table.rows
        )
        for number, table in enumerate([each for each in tables if each.rows], 1)
    )


def score_unit(context: ViewContext) -> str:
    return context.t("points, 0–100")


def _list_heads(
    context: ViewContext, names: Sequence[str], unit: str, *, has_deff: bool = True
) -> tuple[str, ...]:
    t = context.t
    figure = t("Published figure")
    low, high = t("Lower limit, 95 percent"), t("Upper limit, 95 percent")
    return (
        *names,
        *(f"{head} ({unit})" for head in (figure, low, high)),
        t("n (interviews, unweighted)"),
        *([t("Design effect (ratio)")] if has_deff else []),
        t("Mark"),
        t("Id of the figure"),
    )


def _format_figures(row: dict[str, Any], *, has_deff: bool = True) -> tuple[Cell, ...]:
    """Return the figures of a row, or their mark, the mark of the row, and the id."""
    names = (*VALUES, "deff") if has_deff else VALUES
    if not row["shown"]:
        return (*(HIDDEN_MARK for _ in names), HIDDEN_MARK, str(row["id"]))
    cells: list[Cell] = []
    for name in names:
        value = row[name]
        if pd.isna(value):
            cells.append(ABSENT_MARK)
        else:
            cells.append(int(value) if name in _WHOLE.get(row["measure"], ("n",)) else float(value))
    return (*cells, UNRELIABLE_MARK if row["status"] == UNRELIABLE else "", str(row["id"]))


def _build_table(
    context: ViewContext,
    title: str,
    figures: pd.DataFrame,
    names: Mapping[str, Callable[[dict[str, Any]], str]],
    unit: str = "",
    *,
    has_deff: bool = False,
) -> PublishedTable:
    """Return figures with names in front; `names` makes the columns of names from a row."""
    return PublishedTable(
        title,
        _list_heads(context, list(names), unit or score_unit(context), has_deff=has_deff),
        tuple(
            (*(write(row) for write in names.values()), *_format_figures(row, has_deff=has_deff))
            for row in _iter_records(figures)
        ),
    )


def _iter_records(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for record in table.to_dict("records"):
        yield {str(name): value for name, value in record.items()}


def _list_area_columns(context: ViewContext) -> dict[str, Callable[[dict[str, Any]], str]]:
    """Return the columns with code and name of a city."""
    t, names = context.t, context.names
    return {
        t("Code"): lambda row: str(row["area"]),
        t("City"): lambda row: names.area(str(row["area"])),
    }


def _read_wave_scores(context: ViewContext, **keys: Unpack[CellFilters]) -> pd.DataFrame:
    return read_scores(context.results, context.principal, **keys)


def _build_city_table(context: ViewContext) -> PublishedTable:
    figures = _read_wave_scores(context, area_level="city", group=EVERYONE, indicator=COMPOSITE)
    title = context.t("{indicator} by city", indicator=context.names.indicator(COMPOSITE))
    return _build_table(
        context, title, figures.sort_values("area"), _list_area_columns(context), has_deff=True
    )


def _build_rank_table(context: ViewContext) -> PublishedTable:
    t = context.t
    figures = read_ranks(context.results, context.principal, indicator=COMPOSITE)
    title = t("Places of the cities by {indicator}", indicator=context.names.indicator(COMPOSITE))
    placed = figures[figures["shown"]].sort_values(["estimate", "area"])
    return _build_table(context, title, placed, _list_area_columns(context), t("place"))


def _build_larger_area_table(context: ViewContext) -> PublishedTable:
    t, names = context.t, context.names
    levels = [level for level in AREA_LEVEL_NAMES if level != "city"]
    parts = [
        _read_wave_scores(
            context, area_level=level, group=EVERYONE, indicator=COMPOSITE
        ).sort_values("area")
        for level in levels
    ]
    return _build_table(
        context,
        t("{indicator} by larger areas", indicator=names.indicator(COMPOSITE)),
        pd.concat(parts),
        {
            t("Kind of area"): lambda row: names.level(str(row["area_level"])),
            t("Area"): lambda row: names.area(str(row["area"])),
        },
        has_deff=True,
    )


def _build_indicator_table(context: ViewContext) -> PublishedTable:
    t, codes = context.t, (COMPOSITE, *context.codes)
    figures = _read_wave_scores(context, area_level="nation", group=EVERYONE, indicator=codes)
    return _build_table(
        context,
        t("Indicators, nation"),
        _sort_by_indicator(figures, codes),
        {t("Indicator"): lambda row: context.names.numbered(str(row["indicator"]))},
        has_deff=True,
    )


def _build_city_indicator_table(context: ViewContext) -> PublishedTable:
    t, codes = context.t, (COMPOSITE, *context.codes)
    figures = _read_wave_scores(context, area_level="city", group=EVERYONE, indicator=codes)
    return _build_table(
        context,
        t("Indicators by city"),
        _sort_by_indicator(figures, codes).sort_values("area", kind="stable"),
        {
            **_list_area_columns(context),
            t("Indicator"): lambda row: context.names.numbered(str(row["indicator"])),
        },
        has_deff=True,
    )


def _sort_by_indicator(figures: pd.DataFrame, codes: Sequence[str]) -> pd.DataFrame:
    """Return figures in the order of the indicator tree."""
    place = {code: index for index, code in enumerate(codes)}
    return figures.sort_values("indicator", key=lambda column: column.map(place), kind="stable")


def _build_group_table(context: ViewContext) -> PublishedTable:
    t = context.t
    figures = _read_wave_scores(context, area_level="nation", indicator=COMPOSITE)
    return _build_table(
        context,
        t("Groups of respondents, nation"),
        figures,
        {t("Group"): lambda row: context.names.group(str(row["group"]))},
        has_deff=True,
    )


def _build_measure_table(context: ViewContext) -> PublishedTable:
    t = context.t
    shares = [each.key for each in context.results.method.measures if each.choices]
    figures = _read_wave_scores(context, area_level="nation", group=EVERYONE, indicator=shares)
    return _build_table(
        context,
        t("Shares of answers, nation"),
        _sort_by_indicator(figures, shares),
        {t("Share"): lambda row: context.names.indicator(str(row["indicator"]))},
        "%",
        has_deff=True,
    )


def _build_question_tables(context: ViewContext) -> list[PublishedTable]:
    """Return ratings, numbers and shares of a wave without a composite, by city.

    The shares of the nation are a table of every wave.
    """
    t, measures = context.t, context.results.method.measures
    kinds = (
        (
            t("Ratings"),
            score_unit(context),
            [m for m in measures if not (m.choices or m.is_number)],
        ),
        (t("Means of numbers"), t("mean of the answers"), [m for m in measures if m.is_number]),
        (t("Shares of answers"), "%", [m for m in measures if m.choices]),
    )
    tables = []
    for title, unit, of_kind in kinds:
        codes = [measure.key for measure in of_kind]
        figures = _read_wave_scores(
            context, area_level=("nation", "city"), group=EVERYONE, indicator=codes
        )
        figures = _sort_by_indicator(figures, codes).sort_values(
            ["area_level", "area"], ascending=[False, True], kind="stable"
        )
        columns = {
            **_list_area_columns(context),
            t("Question"): lambda row: context.names.indicator(str(row["indicator"])),
        }
        tables.append(_build_table(context, title, figures, columns, unit, has_deff=True))
    return tables


def _build_gap_table(context: ViewContext) -> PublishedTable:
    t = context.t
    figures = read_gaps(
        context.results,
        context.principal,
        "nation",
        area_level="city",
        group=EVERYONE,
        indicator=COMPOSITE,
    )
    return _build_table(
        context,
        t("Difference of each city from the nation"),
        figures.sort_values("area"),
        _list_area_columns(context),
        t("points"),
    )


def _build_special_group_table(context: ViewContext) -> PublishedTable:
    t, names = context.t, context.names
    figures = read_gaps(
        context.results,
        context.principal,
        REST,
        area_level=("nation", "city"),
        group=SPECIAL_GROUPS,
        indicator=COMPOSITE,
    )
    return _build_table(
        context,
        t("Special groups beside the rest of their area"),
        figures.sort_values(["group", "area_level", "area"], ascending=[True, False, True]),
        {
            t("Area"): lambda row: names.area(str(row["area"])),
            t("Group"): lambda row: names.group(str(row["group"])),
        },
        t("points"),
    )


def _build_model_table(context: ViewContext) -> PublishedTable:
    t, names = context.t, context.names
    figures = read_models(context.results, context.principal, indicator=COMPOSITE)
    return _build_table(
        context,
        t("Special groups by city, model figures"),
        figures.sort_values(["group", "area"]),
        {**_list_area_columns(context), t("Group"): lambda row: names.group(str(row["group"]))},
    )


def _iter_change_tables(context: ViewContext, before: WaveInfo | None) -> Iterator[PublishedTable]:
    """Yield the changes since the wave before; none where nothing is comparable."""
    if before is None:
        return
    t, names = context.t, context.names
    with suppress(ChangeNotComputedError):
        figures = read_changes(
            context.results,
            context.principal,
            before,
            area_level=("nation", "city"),
            group=EVERYONE,
            indicator=COMPOSITE,
        )
        yield _build_table(
            context,
            t("Change since {wave}", wave=before.label(context.language)),
            figures.sort_values(["area_level", "area"], ascending=[False, True]),
            {t("Area"): lambda row: names.area(str(row["area"]))},
            t("points"),
        )


def _build_importance_table(context: ViewContext) -> PublishedTable:
    t = context.t
    importance, _ = read_importance(
        context.results, context.principal, area_level="nation", group=EVERYONE
    )
    return _build_table(
        context,
        t("Importance of the indicators for overall satisfaction, nation"),
        importance.sort_values("estimate", ascending=False),
        {t("Indicator"): lambda row: context.names.numbered(str(row["indicator"]))},
        "%",
    )
