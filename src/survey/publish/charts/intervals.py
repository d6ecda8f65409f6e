"""Estimates with their intervals, one row each: regions, groups, indicators."""

import altair as alt

from survey.publish.charts.layers import (
    Look,
    hidden_rows,
    marks,
    reference_rule,
    stacked_rows,
    whiskers,
)
from survey.publish.charts.style import ACCENT, GREY, Style
from survey.publish.charts.text import ChartText

ITEM, FOCUS = "item", "focus"
PICK = "pick"
"""Name of the selection a click makes; it carries the `code` of the row."""

_LOOKS = (
    Look(ITEM, "circle", GREY, GREY),
    Look(FOCUS, "diamond", ACCENT, ACCENT),
)


def interval_dots(text: ChartText, style: Style) -> alt.LayerChart:
    """A dot and its interval per row; the focus row in the accent colour and as a diamond."""
    layers = (
        reference_rule(),
        whiskers(_LOOKS, text, style, compact=False),
        marks("estimate", _LOOKS, text, style, compact=False, number=".1f"),
        hidden_rows(style),
    )
    return stacked_rows(layers, style, compact=False)
