"""Tables of a wave as they are published, and the records that programs read of them.

They are figures with the decimals that were published, as `survey.figures.figure_table` reads
them. A cell without a figure says so with a mark, never with a blank.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Unpack

import pandas as pd

from survey.estimate.tree import COMPOSITE
from survey.figures.figure_table import (
    RANK,
    SCORE,
    SHARE,
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
from survey.locale import Message, msg, translator
from survey.results import WaveInfo, WaveResults
from survey.results.method_sheets import KEYS as SHEET_KEYS
from survey.results.method_sheets import LINE_NAMES, OBSTACLE, OBSTACLE_SENTENCES, SHEET_DECIMALS
from survey.results.wave_results import CellFilters, ChangeNotComputedError

KEYS = (*SHEET_KEYS, OBSTACLE)
_NAMED = frozenset({"area", "group", "indicator", "line", OBSTACLE})
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
    | {name for name, decimals in SHEET_DECIMALS.items() if decimals == 0}
)  # fmt: skip


def record_columns(rows: pd.DataFrame, *, with_origin: bool) -> list[str]:
    """Return the columns of records: a name after each code, wave and hashes if `with_origin`."""
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
    """Return a record (column -> value) per row, None if hidden; `with_origin`: wave, hashes too.

    Args:
        rows: rows of a table of `results`, already behind the gate.
        with_origin: whether each record says wave, snapshot, figures and whether it is a
            demonstration.
    """
    info = results.wave
    names = DisplayNames.of(results, language)
    t = translator(language)
    namers: dict[str, Callable[[str], str]] = {
        "area": names.area,
        "group": names.group,
        "indicator": names.indicator,
        "line": lambda code: t(LINE_NAMES[code]) if code else "",
        OBSTACLE: lambda code: t(OBSTACLE_SENTENCES[code]) if code else "",
    }
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
    """Return a value of a record: counts as whole numbers, others rounded, missing ones as None."""
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
    """Table of the publication workbook; a column's head names the unit of its figures."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    """A figure or its mark in every cell; names in the first column."""


def build_tables(
    context: ViewContext, before: WaveInfo | None = None
) -> tuple[PublishedTable, ...]:
    """Build the numbered publication tables of a wave, with changes since the wave `before`.

    Args:
        before: the wave before, for the table of changes.
    """
    tables = (
        *_iter_area_tables(context),
        *_iter_answer_tables(context),
        *_iter_difference_tables(context, before),
    )
    return tuple(
        replace(table, title=context.t("Table {number}: {title}", number=number, title=table.title))
        for number, table in enumerate([each for each in tables if each.rows], 1)
    )


def score_unit(context: ViewContext) -> str:
    return context.t("points, 0–100")


_COLUMNS: Mapping[str, tuple[Message, str, Callable[[DisplayNames, str], str]]] = {
    "code": (msg("Code"), "area", lambda _names, key: key),
    "city": (msg("City"), "area", DisplayNames.area),
    "kind": (msg("Kind of area"), "area_level", DisplayNames.level),
    "area": (msg("Area"), "area", DisplayNames.area),
    "group": (msg("Group"), "group", DisplayNames.group),
    "indicator": (msg("Indicator"), "indicator", DisplayNames.numbered),
    "share": (msg("Share"), "indicator", DisplayNames.indicator),
    "question": (msg("Question"), "indicator", DisplayNames.indicator),
}
"""Columns of names in front of the figures: head, the key that is named, and how."""
_CITY = ("code", "city")


def _build_table(
    context: ViewContext, title: str, figures: pd.DataFrame, columns: Sequence[str], unit: str = ""
) -> PublishedTable:
    """Return a table of `figures` in `unit`; `columns` (keys of `_COLUMNS`) name them in front."""
    t, unit = context.t, unit or score_unit(context)
    named = [_COLUMNS[column] for column in columns]
    # Places, differences and figures of a model have none.
    has_deff = figures["measure"].isin((SCORE, SHARE)).all()
    values = (*VALUES, "deff") if has_deff else VALUES
    limits = t("Lower limit, 95 percent"), t("Upper limit, 95 percent")
    heads = (
        *(t(head) for head, _, _ in named),
        *(f"{head} ({unit})" for head in (t("Published figure"), *limits)),
        t("n (interviews, unweighted)"),
        *([t("Design effect (ratio)")] if has_deff else []),
        t("Mark"),
        t("Id of the figure"),
    )
    rows = tuple(
        (
            *(write(context.names, str(row[key])) for _, key, write in named),
            *_format_figures(row, values),
        )
        for row in figures.to_dict("records")
    )
    return PublishedTable(title, heads, rows)


def _format_figures(row: Mapping[Any, Any], names: Sequence[str]) -> tuple[Cell, ...]:
    """Return a row's cells: its columns `names` (a mark if hidden), reliability mark and id."""
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


def _read_scores(context: ViewContext, **keys: Unpack[CellFilters]) -> pd.DataFrame:
    """Return the scores that the reader may see, of everyone unless `keys` name another group."""
    filters: CellFilters = {"group": EVERYONE, **keys}
    return read_scores(context.results, context.principal, **filters)


def _iter_area_tables(context: ViewContext) -> Iterator[PublishedTable]:
    """Yield the tables of city scores, of city ranks, and of scores of larger areas."""
    t, composite = context.t, context.names.indicator(COMPOSITE)
    by_level = {
        level: _read_scores(context, area_level=level, indicator=COMPOSITE).sort_values("area")
        for level in AREA_LEVEL_NAMES
    }
    cities = by_level.pop("city")
    yield _build_table(context, t("{indicator} by city", indicator=composite), cities, _CITY)
    ranks = read_ranks(context.results, context.principal, indicator=COMPOSITE)
    ranks = ranks[ranks["shown"]].sort_values(["estimate", "area"])
    title = t("Places of the cities by {indicator}", indicator=composite)
    yield _build_table(context, title, ranks, _CITY, t("place"))
    title = t("{indicator} by larger areas", indicator=composite)
    yield _build_table(context, title, pd.concat([*by_level.values()]), ("kind", "area"))


def _iter_answer_tables(context: ViewContext) -> Iterator[PublishedTable]:
    """Yield the tables of indicators (without a tree: of questions), of groups, and of shares."""
    t, codes = context.t, (COMPOSITE, *context.codes)
    if context.results.tree is None:
        yield from _iter_question_tables(context)
    else:
        nation = _read_scores(context, area_level="nation", indicator=codes)
        nation = _sort_by_indicator(nation, codes)
        yield _build_table(context, t("Indicators, nation"), nation, ("indicator",))
        cities = _read_scores(context, area_level="city", indicator=codes)
        cities = _sort_by_indicator(cities, codes).sort_values("area", kind="stable")
        yield _build_table(context, t("Indicators by city"), cities, (*_CITY, "indicator"))
    groups = _read_scores(context, area_level="nation", group=None, indicator=COMPOSITE)
    yield _build_table(context, t("Groups of respondents, nation"), groups, ("group",))
    keys = [each.key for each in context.results.method.measures if each.choices]
    shares = _read_scores(context, area_level="nation", indicator=keys)
    shares = _sort_by_indicator(shares, keys)
    yield _build_table(context, t("Shares of answers, nation"), shares, ("share",), "%")


def _iter_question_tables(context: ViewContext) -> Iterator[PublishedTable]:
    """Yield the tables of ratings, means and shares by city, for a wave without a composite.

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
    for title, unit, of_kind in kinds:
        codes = [measure.key for measure in of_kind]
        figures = _read_scores(context, area_level=("nation", "city"), indicator=codes)
        figures = _sort_by_indicator(figures, codes).sort_values(
            ["area_level", "area"], ascending=[False, True], kind="stable"
        )
        yield _build_table(context, title, figures, (*_CITY, "question"), unit)


def _sort_by_indicator(figures: pd.DataFrame, codes: Sequence[str]) -> pd.DataFrame:
    """Return figures sorted by the place of their indicator in `codes`."""
    place = {code: index for index, code in enumerate(codes)}
    return figures.sort_values("indicator", key=lambda column: column.map(place), kind="stable")


def _iter_difference_tables(
    context: ViewContext, before: WaveInfo | None
) -> Iterator[PublishedTable]:
    """Yield the tables of differences, model figures, changes since `before`, and importance."""
    t, results, reader = context.t, context.results, context.principal
    gaps = read_gaps(
        results, reader, "nation", area_level="city", group=EVERYONE, indicator=COMPOSITE
    ).sort_values("area")
    yield _build_table(
        context, t("Difference of each city from the nation"), gaps, _CITY, t("points")
    )
    special = read_gaps(
        results,
        reader,
        REST,
        area_level=("nation", "city"),
        group=SPECIAL_GROUPS,
        indicator=COMPOSITE,
    ).sort_values(["group", "area_level", "area"], ascending=[True, False, True])
    title = t("Special groups beside the rest of their area")
    yield _build_table(context, title, special, ("area", "group"), t("points"))
    models = read_models(results, reader, indicator=COMPOSITE).sort_values(["group", "area"])
    title = t("Special groups by city, model figures")
    yield _build_table(context, title, models, (*_CITY, "group"))
    # Nothing is comparable with a wave that no change was computed from.
    with suppress(ChangeNotComputedError):
        if before is not None:
            changes = read_changes(
                results,
                reader,
                before,
                area_level=("nation", "city"),
                group=EVERYONE,
                indicator=COMPOSITE,
            ).sort_values(["area_level", "area"], ascending=[False, True])
            title = t("Change since {wave}", wave=before.label(context.language))
            yield _build_table(context, title, changes, ("area",), t("points"))
    importance, _ = read_importance(results, reader, area_level="nation", group=EVERYONE)
    importance = importance.sort_values("estimate", ascending=False)
    title = t("Importance of the indicators for overall satisfaction, nation")
    yield _build_table(context, title, importance, ("indicator",), "%")
