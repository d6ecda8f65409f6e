"""A city beside its yardstick, indicator by indicator, as two dots joined by a line."""

from typing import Any

import altair as alt

from survey.publish.charts.gaps import HIGHER, LOWER
from survey.publish.charts.layers import (
    HIDDEN,
    NO_FILL,
    hidden_rows,
    is_role,
    rows,
    stacked_rows,
    tooltip,
    value_axis,
)
from survey.publish.charts.style import ACCENT, FAINT, GREY, Style
from survey.publish.charts.text import ChartText, series_name

UP, DOWN = "▲", "▼"


def dumbbell(text: ChartText, style: Style) -> alt.LayerChart:
    """City in accent with its interval, yardstick as a hollow diamond, a triangle if clear.

    Reads `reference` beside the common columns; `series` names city and yardstick.
    """
    city, yardstick = text.series
    drawn = alt.Chart().transform_filter(f"!({is_role(HIDDEN)})")
    y = rows(style)
    place = alt.Legend(title=None, orient="top", columns=1)

    def who(attribute: type[alt.Color] | type[alt.Fill] | type[alt.Shape], *values: str) -> Any:
        scale = alt.Scale(domain=[city, yardstick], range=list(values))
        return attribute("who:N", scale=scale, legend=place)

    line = drawn.mark_rule(size=style.size(1.5), color=FAINT).encode(
        y=y, x=value_axis("reference", text), x2="estimate:Q"
    )
    whisker = drawn.mark_rule(size=style.size(2), color=ACCENT, opacity=0.7).encode(
        y=y, x=value_axis("ci_low", text), x2="ci_high:Q"
    )
    dots = [
        drawn.transform_calculate(who=series_name(place))
        .mark_point(size=style.size(80), opacity=1, strokeWidth=1.8)
        .encode(
            y=y,
            x=value_axis(field, text),
            color=who(alt.Color, ACCENT, GREY),
            fill=who(alt.Fill, ACCENT, NO_FILL),
            shape=who(alt.Shape, "circle", "diamond"),
            tooltip=tooltip(field, text, ".1f"),
        )
        for place, field in ((1, "reference"), (0, "estimate"))
    ]
    layers = (line, whisker, *dots, _verdicts(style), hidden_rows(style))
    return stacked_rows(layers, style, compact=False)


def _verdicts(style: Style) -> alt.Chart:
    return (
        alt.Chart()
        .transform_filter(is_role(HIGHER, LOWER))
        .transform_calculate(sign=f"datum.role === {HIGHER!r} ? {UP!r} : {DOWN!r}")
        .mark_text(color=ACCENT, align="right", fontSize=style.size(14))
        .encode(y=rows(style), x=alt.value("width"), text="sign:N")
    )
