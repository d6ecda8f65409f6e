"""Vega-Lite specifications of the kinds of charts, built once and kept."""

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import lru_cache
from importlib import import_module
from types import MappingProxyType
from typing import Any

import altair as alt
from altair.utils.schemapi import debug_mode

from survey.figures.charts.cities import peer_line, point_map, ranking
from survey.figures.charts.count_charts import days, months, scatter, shares
from survey.figures.charts.interval_charts import (
    FIRST_AND_OTHERS,
    FITTING_LINES,
    FOCUS,
    ITEM,
    dumbbell,
    funnel,
    gaps,
    grouped_dots,
    half_widths,
    interval_dots,
    ribbon_line,
)
from survey.figures.charts.marks import (
    ELDER,
    FAINT,
    GREY,
    ORDINARY,
    REFERENCE,
    ChartLabels,
    ChartStyle,
    config,
    encode_categories,
    is_role,
    series_name,
    series_of,
)

_ROLES = (FOCUS, ITEM)
_HEIGHT = 620.0
CORNERS = ("top right", "bottom right", "top left", "bottom left")
"""The words of the quadrants in `series`, after the two kinds of points and the vertical axis."""


def matrix(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Return a chart labelled by `text`: indicators by importance and score, means dashed.

    Reads `importance`, `performance` (each with `_low`, `_high` and a `_range` in words), `code`,
    `label`, `role` (`focus` for the first three, `item`, `reference` for the averages) and
    `named` (whether the code is written beside the point: where many lie close, it is not).
    `series`: the first three, the others, the vertical axis, and the words of the corners.
    """
    first, others, vertical, *corners = text.series
    points = (
        alt.Chart().transform_filter(is_role(*_ROLES)).transform_calculate(who=series_of(_ROLES))
    )
    names, legend = (first, others), {"symbolOpacity": 1, "symbolStrokeWidth": 1.5}
    looks = encode_categories("who:N", names, FIRST_AND_OTHERS, **legend)
    colour = looks["color"]

    def x(field: str = "importance") -> alt.X:
        return alt.X(
            f"{field}:Q",
            title=text.value,
            scale=alt.Scale(zero=False, nice=True),
            axis=alt.Axis(tickCount=6, grid=False),
        )

    def y(field: str = "performance") -> alt.Y:
        return alt.Y(
            f"{field}:Q",
            title=vertical,
            scale=alt.Scale(zero=False, nice=True),
            axis=alt.Axis(tickCount=6, grid=False),
        )

    lines = points.mark_rule(size=style.size(1.2), opacity=0.45)
    across = lines.encode(x=x("importance_low"), x2="importance_high:Q", y=y(), color=colour)
    along = lines.encode(x=x(), y=y("performance_low"), y2="performance_high:Q", color=colour)
    dots = points.mark_point(size=style.size(70), opacity=1, strokeWidth=1.5).encode(
        x=x(),
        y=y(),
        **looks,
        tooltip=[
            alt.Tooltip("label:N", title=text.name),
            alt.Tooltip("importance:Q", title=text.value, format=".1f"),
            alt.Tooltip("range:N", title=text.interval),
            alt.Tooltip("performance:Q", title=vertical, format=".1f"),
            alt.Tooltip("performance_range:N", title=text.interval),
        ],
    )
    codes = (
        points.transform_filter("datum.named")
        .mark_text(align="left", dx=style.size(6), dy=style.size(-7), fontSize=style.size(11))
        .encode(x=x(), y=y(), text="label:N", color=colour)
    )
    return alt.layer(
        *_draw_averages(x(), y()), *_draw_corner_labels(corners, style), across, along, dots, codes
    ).properties(width="container", height=style.size(_HEIGHT))


def _draw_averages(x: alt.X, y: alt.Y) -> tuple[alt.Chart, alt.Chart]:
    average = alt.Chart().transform_filter(is_role(REFERENCE))
    line = average.mark_rule(color=FAINT, strokeDash=[5, 4], size=1.5)
    return line.encode(x=x), line.encode(y=y)


def _draw_corner_labels(words: list[str], style: ChartStyle) -> list[alt.Chart]:
    """Return layers that write `words`, the meanings of the four quadrants, into their corners."""
    edge = style.size(5)
    return [
        alt.Chart()
        .transform_filter(is_role(REFERENCE))
        .mark_text(
            align="right" if "right" in corner else "left",
            baseline="top" if "top" in corner else "bottom",
            dx=-edge if "right" in corner else edge,
            dy=edge if "top" in corner else -edge,
            fontSize=style.size(11),
            fontStyle="italic",
            color=GREY,
        )
        .encode(
            x=alt.value("width" if "right" in corner else 0),
            y=alt.value(0 if "top" in corner else "height"),
            text=alt.value(word),
        )
        for corner, word in zip(CORNERS, words, strict=True)
    ]


class ChartKind(StrEnum):
    INTERVALS = "intervals"
    GAPS = "gaps"
    DUMBBELL = "dumbbell"
    TREND = "trend"
    GROUPED = "grouped"
    MAP = "map"
    MATRIX = "matrix"
    RANKING = "ranking"
    PEERS = "peers"
    FUNNEL = "funnel"
    HALF_WIDTHS = "half_widths"
    DAYS = "days"
    MONTHS = "months"
    SHARES = "shares"
    SCATTER = "scatter"


COUNT_KINDS = frozenset({ChartKind.DAYS, ChartKind.MONTHS, ChartKind.SHARES, ChartKind.SCATTER})
"""Charts of full counts, which have no interval to draw."""


BUILDERS: Mapping[ChartKind, Callable[[ChartLabels, ChartStyle], alt.LayerChart]] = (
    MappingProxyType(
        {
            ChartKind.INTERVALS: interval_dots,
            ChartKind.GAPS: gaps,
            ChartKind.DUMBBELL: dumbbell,
            ChartKind.TREND: ribbon_line,
            ChartKind.GROUPED: grouped_dots,
            ChartKind.MAP: point_map,
            ChartKind.MATRIX: matrix,
            ChartKind.RANKING: ranking,
            ChartKind.PEERS: peer_line,
            ChartKind.FUNNEL: funnel,
            ChartKind.HALF_WIDTHS: half_widths,
            ChartKind.DAYS: days,
            ChartKind.MONTHS: months,
            ChartKind.SHARES: shares,
            ChartKind.SCATTER: scatter,
        }
    )
)


_PREBUILT_SERIES: Mapping[ChartKind, tuple[int, ...]] = {
    ChartKind.INTERVALS: (0,),
    ChartKind.GAPS: (0,),
    ChartKind.DUMBBELL: (2,),
    ChartKind.TREND: (2,),
    ChartKind.GROUPED: (1, 2, 3, 4, 5),
    ChartKind.MAP: (3,),
    ChartKind.MATRIX: (7,),
    ChartKind.RANKING: (2,),
    ChartKind.PEERS: (0,),
    ChartKind.FUNNEL: (3,),
    ChartKind.DAYS: (3,),
    ChartKind.MONTHS: (6,),
    ChartKind.SHARES: (2,),
    ChartKind.SCATTER: (3,),
}
"""Numbers of series in the charts of a kind on pages; others only take longer at first."""


def prebuild_specs() -> None:
    """Build the specifications of all kinds of charts, so that no first reader waits for them.

    Altair takes some 20 ms a chart.
    """
    # Altair looks for pandas while the first page may be in the middle of importing it.
    import_module("pandas")
    for style in (ORDINARY, ELDER):
        for kind, counts in _PREBUILT_SERIES.items():
            for count in counts:
                _build_template(kind, style, count, 1)


@lru_cache(maxsize=2048)
def chart_spec(kind: ChartKind, text: ChartLabels, style: ChartStyle) -> dict[str, Any]:
    """Return the cached specification of this kind of chart, labelled by `text`: do not alter."""
    # A title that fits its row changes nothing, and pages have been built with one line.
    lines = text.label_lines if text.label_lines > FITTING_LINES else 1
    document = _build_template(kind, style, len(text.series), lines)
    for token, word in _list_stand_ins(text).items():
        document = document.replace(token, json.dumps(word)[1:-1])
    spec: dict[str, Any] = json.loads(document)
    named = [{"name": series_name(i), "value": word} for i, word in enumerate(text.series)]
    return {**spec, "params": [*spec.get("params", ()), *named]}


def _list_stand_ins(text: ChartLabels) -> dict[str, str]:
    """Return (placeholder in the specification's template -> label from `text` for it)."""
    whole = {f"@{name}@": getattr(text, name) for name in ("value", "name", "interval", "n")}
    return whole | {f"@series{index}@": word for index, word in enumerate(text.series)}


@lru_cache(maxsize=256)
def _build_template(kind: ChartKind, style: ChartStyle, series: int, label_lines: int) -> str:
    """Return the cached JSON of a chart of `series` series, with placeholders for its labels."""
    stand_ins = ChartLabels(
        value="@value@",
        name="@name@",
        interval="@interval@",
        n="@n@",
        series=tuple(f"@series{index}@" for index in range(series)),
        label_lines=label_lines,
    )
    # Altair checks each part of a chart against its schema, which takes longer than to build it. A
    # test checks the charts instead.
    with debug_mode(False):
        spec: dict[str, Any] = BUILDERS[kind](stand_ins, style).to_dict(validate=False)
    for placeholder in ("data", "datasets"):
        spec.pop(placeholder, None)
    layers = [_clear_empty_data(layer) for layer in spec["layer"]]
    return json.dumps({**spec, "layer": layers, "config": config(style)})


def _clear_empty_data(layer: dict[str, Any]) -> dict[str, Any]:
    """Remove, in place, a layer's empty data, so that it reads the data of the whole chart."""
    if layer.get("data") != {"name": "empty"}:
        return layer
    return {name: value for name, value in layer.items() if name != "data"}
