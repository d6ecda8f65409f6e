"""Tables whose rows carry an interval: columns to sort by, and each interval as a small bar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from urllib.parse import quote

import numpy as np
import pandas as pd

from survey.figures.charts.interval_charts import HIGHER, LOWER, UNCLEAR
from survey.figures.charts.marks import FALL, GREY, HIDDEN_ROLE, RISE
from survey.figures.figure_table import to_frame, to_list
from survey.figures.views.chart_panels import ChartHeading, subtitle
from survey.figures.views.chart_rows import (
    Rows,
    classify_differences,
    counts,
    gap_table,
    ranges,
    verdict_texts,
)
from survey.figures.views.table_slice import Floats, NamedRows, TableSlice
from survey.figures.views.view_context import ViewContext
from survey.locale import Translator

SIGNS: Mapping[str, str] = MappingProxyType({HIGHER: "▲", LOWER: "▼", UNCLEAR: "○"})
"""Sign of each verdict, as in the charts; no sign stands where a figure is hidden."""

_WIDTH, _HEIGHT, _EDGE = 180, 24, 8
_COLOURS: Mapping[str, str] = {HIGHER: RISE, LOWER: FALL, UNCLEAR: GREY}
_MARKS: Mapping[str, str] = {
    HIGHER: '<path d="M{x} 6l6 11h-12z" fill="{colour}"/>',
    LOWER: '<path d="M{x} 18l6-11h-12z" fill="{colour}"/>',
    UNCLEAR: '<circle cx="{x}" cy="12" r="4" fill="none" stroke="{colour}" stroke-width="2"/>',
}


@dataclass(frozen=True, eq=False)
class IntervalTable:
    """Sortable table of figures with intervals; rows without any figure are only named below it."""

    key: str
    """Names the table in widget keys and file names; latin letters and hyphens."""
    title: str
    subtitle: str
    """Wave, unit, n and interval, in words."""
    codes: tuple[str, ...]
    """Code of each row."""
    columns: Rows
    """Columns on screen; the first one names the row, the second holds its figure."""
    bar: str
    """Heading of the column of bars."""
    bars: tuple[str, ...]
    """Interval of each row as an image; empty where there is none."""
    downloaded: Rows
    """The same rows and those left out, with the ends of the intervals as numbers."""
    unnamed: tuple[str, ...] = ()
    """Names of the rows that are left out because nothing can be shown."""
    note: str = ""
    is_signed: bool = True
    """Whether the second column holds differences, which carry their sign."""

    @property
    def name(self) -> str:
        """Return the heading of the first column."""
        return next(iter(self.columns))

    @cached_property
    def table(self) -> pd.DataFrame:
        """Return the downloadable rows, left-out ones included, as a data frame."""
        return to_frame(self.downloaded)

    @property
    def figure(self) -> str:
        """Return the heading of the second column."""
        return list(self.columns)[1]


def build_interval_table(
    heading: ChartHeading,
    subtitle: str,
    codes: Sequence[str],
    columns: Rows,
    bars: tuple[str, Sequence[str]],
    downloaded: Rows,
    *,
    visible: Sequence[bool],
    is_signed: bool = True,
) -> IntervalTable:
    """Build a table of `visible` rows with a column of `bars`; others are only named below it.

    Args:
        bars: Heading and values of the column of bars.
    """
    rows = [row for row, is_visible in enumerate(visible) if is_visible]
    names = columns[next(iter(columns))]
    return IntervalTable(
        key=heading.key,
        title=heading.title,
        subtitle=subtitle,
        codes=tuple(codes[row] for row in rows),
        columns={name: [to_list(values)[row] for row in rows] for name, values in columns.items()},
        bar=bars[0],
        bars=tuple(bars[1][row] for row in rows),
        downloaded=downloaded,
        unnamed=tuple(str(names[row]) for row, is_visible in enumerate(visible) if not is_visible),
        note=heading.note,
        is_signed=is_signed,
    )


def signed_verdicts(
    roles: Sequence[str], texts: Mapping[str, str], t: Translator, *, gaps: TableSlice | None = None
) -> list[str]:
    """Return sign and words of each significance verdict; an empty text for a hidden one.

    Args:
        gaps: Differences of the same rows. Where one's own interval leaves zero out although it
            is not clear, the words say why: all rows were judged together.
    """
    alone = t("○ seems to differ alone, not told apart when all rows are judged together")
    ends = (gaps.numbers("ci_low"), gaps.numbers("ci_high")) if gaps is not None else None
    is_beside_zero = np.zeros(len(roles), bool) if ends is None else (ends[0] > 0) | (ends[1] < 0)
    return [
        ""
        if role == HIDDEN_ROLE
        else (alone if role == UNCLEAR and is_alone else f"{SIGNS[role]} {texts[role]}")
        for role, is_alone in zip(roles, is_beside_zero, strict=True)
    ]


def draw_interval_bars(
    lows: Floats, values: Floats, highs: Floats, roles: Sequence[str], *, origin: float | None = 0.0
) -> list[str]:
    """Return an SVG (data address) of each interval, on one scale with a line at `origin`.

    Args:
        origin: Value on the scale where a line is drawn; no line if None.
    """
    known = np.concatenate([lows, values, highs, [] if origin is None else [origin]])
    known = known[~np.isnan(known)]
    if not len(known):
        return [""] * len(roles)
    start, end = float(known.min()), float(known.max())
    span = (end - start) or 1.0

    def pixel(value: float) -> int:
        return round(_EDGE + (_WIDTH - 2 * _EDGE) * (value - start) / span)

    line = "" if origin is None else f'<path d="M{pixel(origin)} 0v{_HEIGHT}" stroke="{GREY}"/>'
    return [
        ""
        if role == HIDDEN_ROLE or np.isnan(low) or np.isnan(high)
        else _render_bar(line, pixel(low), pixel(value), pixel(high), role)
        for low, value, high, role in zip(lows, values, highs, roles, strict=True)
    ]


def _render_bar(line: str, low: int, value: int, high: int, role: str) -> str:
    colour = _COLOURS[role]
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}">'
        f"{line}"
        f'<path d="M{low} 12H{high}" stroke="{colour}" stroke-width="3"/>'
        f"{_MARKS[role].format(x=value, colour=colour)}</svg>"
    )
    return f"data:image/svg+xml,{quote(svg, safe=' =:/')}"


def left_out_note(table: IntervalTable, t: Translator) -> str:
    """Return the sentence that names the rows left out and says why; empty where none is."""
    if not table.unnamed:
        return ""
    return t(
        "Not listed, too few interviews or to protect personal data: {names}.",
        names=t(", ").join(table.unnamed),
    )


def gap_interval_table(
    context: ViewContext, heading: ChartHeading, named: NamedRows, *, this: str, other: str
) -> IntervalTable:
    """Build the table of differences (`this` minus `other`), rows in the order of `named`."""
    t, gaps, roles = context.t, named.cells, classify_differences(named.cells)
    difference = gaps.numbers("difference")
    columns: Rows = {
        heading.rows: list(named.labels),
        t("Difference"): difference,
        t("95%\u00a0interval"): ranges(gaps, t),
        t("Verdict"): signed_verdicts(roles, verdict_texts(t), t, gaps=gaps),
        this: gaps.numbers("estimate"),
        other: gaps.numbers("reference"),
        "n": counts(gaps.numbers("n")),
    }
    bars = draw_interval_bars(gaps.numbers("ci_low"), difference, gaps.numbers("ci_high"), roles)
    return build_interval_table(
        heading,
        subtitle(context, t("Difference in points"), gaps.total("n")),
        gaps.texts(named.key),
        columns,
        (t("Difference with interval"), bars),
        gap_table(gaps, named.labels, t, name=heading.rows, this=this, other=other),
        visible=[role != HIDDEN_ROLE for role in roles],
    )
