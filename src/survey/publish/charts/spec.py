"""From a kind of picture to its Vega-Lite specification, built once and kept."""

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import lru_cache
from importlib import import_module
from types import MappingProxyType
from typing import Any

import altair as alt

from survey.publish.charts.change import changes, city_changes
from survey.publish.charts.dumbbell import dumbbell
from survey.publish.charts.gaps import city_gaps, gaps
from survey.publish.charts.grouped import grouped_dots
from survey.publish.charts.half_widths import half_widths
from survey.publish.charts.intervals import interval_dots
from survey.publish.charts.matrix import matrix
from survey.publish.charts.points import point_map
from survey.publish.charts.ranks import ranking
from survey.publish.charts.small_areas import graded_cities
from survey.publish.charts.style import ELDER, ORDINARY, Style, config
from survey.publish.charts.text import ChartText, series_name
from survey.publish.charts.trend import ribbon_line


class Kind(StrEnum):
    INTERVALS = "intervals"
    GAPS = "gaps"
    CITY_GAPS = "city_gaps"
    DUMBBELL = "dumbbell"
    TREND = "trend"
    GROUPED = "grouped"
    MAP = "map"
    GRADED_CITIES = "graded_cities"
    MATRIX = "matrix"
    RANKING = "ranking"
    CHANGES = "changes"
    CITY_CHANGES = "city_changes"
    HALF_WIDTHS = "half_widths"


BUILDERS: Mapping[Kind, Callable[[ChartText, Style], alt.LayerChart]] = MappingProxyType(
    {
        Kind.INTERVALS: interval_dots,
        Kind.GAPS: gaps,
        Kind.CITY_GAPS: city_gaps,
        Kind.DUMBBELL: dumbbell,
        Kind.TREND: ribbon_line,
        Kind.GROUPED: grouped_dots,
        Kind.MAP: point_map,
        Kind.GRADED_CITIES: graded_cities,
        Kind.MATRIX: matrix,
        Kind.RANKING: ranking,
        Kind.CHANGES: changes,
        Kind.CITY_CHANGES: city_changes,
        Kind.HALF_WIDTHS: half_widths,
    }
)


_USUAL_SERIES: Mapping[Kind, tuple[int, ...]] = MappingProxyType(
    {
        Kind.INTERVALS: (0,),
        Kind.GAPS: (0,),
        Kind.CITY_GAPS: (0,),
        Kind.DUMBBELL: (2,),
        Kind.TREND: (2,),
        Kind.GROUPED: (1, 2, 3, 4, 5),
        Kind.MAP: (3,),
        Kind.GRADED_CITIES: (3, 4),
        Kind.MATRIX: (7,),
        Kind.RANKING: (2,),
        Kind.CHANGES: (3,),
        Kind.CITY_CHANGES: (3,),
    }
)
"""How many series the pages' pictures of a kind have; others only take longer at first."""


def lay_out_ahead() -> None:
    """Lay out what pages draw before the first reader asks: Altair takes some 20 ms a picture."""
    # Altair looks for pandas while the first page may be in the middle of importing it.
    import_module("pandas")
    for style in (ORDINARY, ELDER):
        for kind, counts in _USUAL_SERIES.items():
            for count in counts:
                _template(kind, style, count)


@lru_cache(maxsize=2048)
def spec_of(kind: Kind, text: ChartText, style: Style) -> dict[str, Any]:
    """The specification without data; shared between readers, so never change it in place."""
    document = _template(kind, style, len(text.series))
    for token, word in _tokens(text).items():
        document = document.replace(token, json.dumps(word)[1:-1])
    spec: dict[str, Any] = json.loads(document)
    named = [{"name": series_name(i), "value": word} for i, word in enumerate(text.series)]
    return {**spec, "params": [*spec.get("params", ()), *named]}


def _tokens(text: ChartText) -> dict[str, str]:
    """Stand-ins for the words of a picture, and the words."""
    whole = {f"@{name}@": getattr(text, name) for name in ("value", "name", "interval", "n")}
    return whole | {f"@series{place}@": word for place, word in enumerate(text.series)}


@lru_cache(maxsize=256)
def _template(kind: Kind, style: Style, series: int) -> str:
    """The picture with stand-ins for its words: Altair is slow, words change with every city."""
    stand_ins = ChartText(
        value="@value@",
        name="@name@",
        interval="@interval@",
        n="@n@",
        series=tuple(f"@series{place}@" for place in range(series)),
    )
    spec: dict[str, Any] = BUILDERS[kind](stand_ins, style).to_dict()
    for placeholder in ("data", "datasets"):
        spec.pop(placeholder, None)
    layers = [_open(layer) for layer in spec["layer"]]
    return json.dumps({**spec, "layer": layers, "config": config(style)})


def _open(layer: dict[str, Any]) -> dict[str, Any]:
    """A layer that reads what the whole picture is given; Altair marks it as empty instead."""
    if layer.get("data") != {"name": "empty"}:
        return layer
    return {name: value for name, value in layer.items() if name != "data"}
