"""Differences with their intervals and a zero line; only clear ones carry the accent."""

import altair as alt

from survey.publish.charts.layers import (
    NO_FILL,
    Look,
    hidden_rows,
    marks,
    stacked_rows,
    whiskers,
    zero_rule,
)
from survey.publish.charts.style import ACCENT, GREY, Style
from survey.publish.charts.text import ChartText

HIGHER, LOWER, UNCLEAR = "higher", "lower", "unclear"

_LOOKS = (
    Look(HIGHER, "triangle-up", ACCENT, ACCENT),
    Look(LOWER, "triangle-down", ACCENT, ACCENT),
    Look(UNCLEAR, "circle", GREY, NO_FILL),
)


def gaps(text: ChartText, style: Style) -> alt.LayerChart:
    """One row a difference; triangles up or down where it is clear."""
    return _gaps(text, style, compact=False)


def city_gaps(text: ChartText, style: Style) -> alt.LayerChart:
    """The same for many cities."""
    return _gaps(text, style, compact=True)


def _gaps(text: ChartText, style: Style, *, compact: bool) -> alt.LayerChart:
    layers = (
        zero_rule(),
        whiskers(_LOOKS, text, style, compact=compact),
        marks("difference", _LOOKS, text, style, compact=compact, number="+.1f"),
        hidden_rows(style, compact=compact),
    )
    return stacked_rows(layers, style, compact=compact)
