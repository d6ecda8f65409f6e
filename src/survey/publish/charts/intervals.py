"""Estimates with their intervals, one row each: regions, groups, indicators, the 100 cities."""

import altair as alt

from survey.publish.charts.layers import (
    NO_FILL,
    Look,
    hidden_rows,
    marks,
    reference_rule,
    stacked_rows,
    whiskers,
)
from survey.publish.charts.style import ACCENT, GREY, Style
from survey.publish.charts.text import ChartText

ITEM, FOCUS, UNRANKED = "item", "focus", "unranked"
PICK = "pick"
"""Name of the selection a click makes; it carries the `code` of the row."""

_LOOKS = (
    Look(ITEM, "circle", GREY, GREY),
    Look(FOCUS, "diamond", ACCENT, ACCENT),
    Look(UNRANKED, "circle", GREY, NO_FILL),
)


def interval_dots(text: ChartText, style: Style) -> alt.LayerChart:
    """A dot and its interval per row; the focus row in the accent colour and as a diamond."""
    return _intervals(text, style, compact=False)


def caterpillar(text: ChartText, style: Style) -> alt.LayerChart:
    """Many cities in the order of the data; unranked ones (small samples) are hollow."""
    return _intervals(text, style, compact=True)


def _intervals(text: ChartText, style: Style, *, compact: bool) -> alt.LayerChart:
    dots = marks("estimate", _LOOKS, text, style, compact=compact, number=".1f")
    if compact:
        dots = dots.add_params(alt.selection_point(name=PICK, fields=["code"]))
    layers = (
        reference_rule(),
        whiskers(_LOOKS, text, style, compact=compact),
        dots,
        hidden_rows(style, compact=compact),
    )
    return stacked_rows(layers, style, compact=compact)
