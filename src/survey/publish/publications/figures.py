"""Published figures with stable ids (`figures.csv`), and what a correction changes of them."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pandas as pd

from survey.access.principal import Principal
from survey.estimate.tree import COMPOSITE
from survey.locale import SurveyError, msg
from survey.results import WaveResults
from survey.sample.special_groups import EVERYONE
from survey.spreadsheets import csv_cell, csv_row

FIGURE_COLUMNS = (
    "id", "wave", "area_level", "area", "indicator", "group", "measure",
    "estimate", "ci_low", "ci_high", "n", "mark",
)  # fmt: skip
VALUE_COLUMNS = ("estimate", "ci_low", "ci_high", "n")
DEMO_MARK = "demonstration"
_LEVELS_BY_CODE = frozenset({"nation", "city"})
"""Levels whose codes are known without naming the level."""


class FigureIdError(SurveyError):
    """Raised when two figures would have the same id."""

    code = "figure_id_twice"


@dataclass(frozen=True)
class Figure:
    """Published figure by its id; values as they were printed."""

    id: str
    values: Mapping[str, str]


def format_figure_id(
    *, wave: str, area_level: str, area: str, indicator: str, group: str, measure: str
) -> str:
    """Return the id of a figure, such as `main-2026-110000-1.2-all-score`.

    Regions and tiers name their level, as `main-2026-province.32-1.2-all-score`. Signs that would
    end a word in an address become `_`, so an id can stand in a link and in a footnote.
    """
    place = area if area_level in _LEVELS_BY_CODE else f"{area_level}.{area}"
    parts = (wave, place, indicator or COMPOSITE, group, measure)
    return "-".join(re.sub(r"[^\w.\-]+", "_", part) for part in parts)


def build_figures(results: WaveResults, reader: Principal) -> bytes:
    """Return `figures.csv`: every figure that the reader may see, hidden ones left out.

    Raises:
        FigureIdError: two figures have the same id.
    """
    cells = results.cells(reader)
    ranks = results.ranks(reader)
    shares = {measure.key for measure in results.method.measures if measure.choices}
    rows = [*_cell_rows(results, cells, shares), *_rank_rows(results, ranks)]
    if len({row[0] for row in rows}) != len(rows):
        raise FigureIdError(msg("Two figures would have the same id."))
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(FIGURE_COLUMNS)
    writer.writerows(rows)
    return buffer.getvalue().encode()


_Row = tuple[str, ...]


def _cell_rows(results: WaveResults, cells: pd.DataFrame, shares: set[str]) -> Iterator[_Row]:
    shown = cells[cells["shown"].astype(bool)]
    columns = ("area_level", "area", "indicator", "group", *VALUE_COLUMNS)
    for level, area, indicator, group, *values in _iter_rows(shown, columns):
        measure = "share" if indicator in shares else "score"
        yield _row(results, (level, area, indicator, group, measure), values, 1)


def _rank_rows(results: WaveResults, ranks: pd.DataFrame) -> Iterator[_Row]:
    placed = ranks[ranks["rank"].notna()]
    for area, indicator, *values in _iter_rows(
        placed, ("area", "indicator", "rank", "low", "high")
    ):
        yield _row(results, ("city", area, indicator, EVERYONE, "rank"), [*values, None], 0)


def _iter_rows(table: pd.DataFrame, columns: tuple[str, ...]) -> Iterator[tuple[object, ...]]:
    return zip(*(table[name].tolist() for name in columns), strict=True)


def _row(results: WaveResults, keys: tuple[object, ...], values: list[object], digits: int) -> _Row:
    wave = results.wave
    level, area, indicator, group, measure = (str(key) for key in keys)
    figure_id = format_figure_id(
        wave=wave.key,
        area_level=level,
        area=area,
        indicator=indicator,
        group=group,
        measure=measure,
    )
    mark = DEMO_MARK if wave.is_demo else ""
    names = (wave.key, level, area, indicator, group, measure)
    *figures, n = values
    numbers = (*(_format_number(value, digits) for value in figures), _format_number(n, 0))
    return (_escape(figure_id), *(_escape_name(name) for name in names), *numbers, mark)


def _escape(text: str) -> str:
    return str(csv_cell(text))


_escape_name = lru_cache(maxsize=4096)(_escape)
"""A wave has a hundred thousand figures of a few hundred areas, indicators and groups."""


def _format_number(value: Any, digits: int) -> str:
    return "" if value is None or pd.isna(value) else f"{float(value):.{digits}f}"


def read_figures(data: bytes) -> dict[str, Figure]:
    """Return the figures of a `figures.csv` by id."""
    rows = csv.DictReader(io.StringIO(data.decode(), newline=""))
    return {
        row["id"]: Figure(row["id"], {name: row[name] for name in VALUE_COLUMNS}) for row in rows
    }


@dataclass(frozen=True)
class Erratum:
    """Figure before and after a correction; without values where it is not published there."""

    figure: str
    before: Mapping[str, str]
    after: Mapping[str, str]


def find_errata(before: Mapping[str, Figure], after: Mapping[str, Figure]) -> tuple[Erratum, ...]:
    """Return the figures that differ between two publications of a wave, by id."""
    nothing: Mapping[str, str] = {}
    pairs = (
        Erratum(
            figure_id,
            before[figure_id].values if figure_id in before else nothing,
            after[figure_id].values if figure_id in after else nothing,
        )
        for figure_id in sorted(before.keys() | after.keys())
    )
    return tuple(erratum for erratum in pairs if erratum.before != erratum.after)


def format_errata(errata: tuple[Erratum, ...], reason: str) -> bytes:
    """Return `errata.csv`."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        (
            "id",
            *(f"{name}_before" for name in VALUE_COLUMNS),
            *(f"{name}_after" for name in VALUE_COLUMNS),
            "reason",
        )
    )
    for erratum in errata:
        values = [side.get(name, "") for side in (erratum.before, erratum.after)
                  for name in VALUE_COLUMNS]  # fmt: skip
        writer.writerow(csv_row((erratum.figure, *values, reason)))
    return buffer.getvalue().encode()
