"""Charts of estimates, differences and changes with their intervals, one row each."""

from typing import Any

import altair as alt

from survey.publish.charts.marks import (
    HIDDEN,
    NO_FILL,
    REFERENCE,
    MarkStyle,
    blank_layer,
    hidden_rows,
    interval_rule,
    is_role,
    marks,
    reference_rule,
    row_axis,
    stacked_rows,
    tooltip,
    value_axis,
    zero_rule,
)
from survey.publish.charts.style import (
    ACCENT,
    FAINT,
    FALL,
    GREY,
    OKABE_ITO,
    RISE,
    SHAPES,
    ChartLabels,
    ChartStyle,
    series_name,
)

ITEM, FOCUS = "item", "focus"
PICK = "pick"
"""Name of the selection a click makes; it carries the `code` of the row."""

_INTERVAL_STYLES = (
    MarkStyle(ITEM, "circle", GREY, GREY),
    MarkStyle(FOCUS, "diamond", ACCENT, ACCENT),
)


def interval_dots(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Draw a dot and its interval per row, the focus row in the accent colour as a diamond."""
    layers = (
        reference_rule(),
        interval_rule(_INTERVAL_STYLES, text, style, compact=False),
        marks("estimate", _INTERVAL_STYLES, text, style, compact=False, number=".1f"),
        hidden_rows(style),
    )
    return stacked_rows(layers, style, compact=False)


HIGHER, LOWER, UNCLEAR = "higher", "lower", "unclear"

_GAP_STYLES = (
    MarkStyle(HIGHER, "triangle-up", RISE, RISE),
    MarkStyle(LOWER, "triangle-down", FALL, FALL),
    MarkStyle(UNCLEAR, "circle", GREY, NO_FILL),
)


def gaps(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Draw one row per difference, with a triangle up or down where it is clear."""
    return _gaps(text, style, compact=False)


def city_gaps(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Draw the differences of many cities."""
    return _gaps(text, style, compact=True)


def _gaps(text: ChartLabels, style: ChartStyle, *, compact: bool) -> alt.LayerChart:
    layers = (
        zero_rule(),
        interval_rule(_GAP_STYLES, text, style, compact=compact),
        marks("difference", _GAP_STYLES, text, style, compact=compact, number="+.1f"),
        hidden_rows(style, compact=compact),
    )
    return stacked_rows(layers, style, compact=compact)


UP, DOWN = "▲", "▼"


def dumbbell(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Draw a city with its interval, its reference as a hollow diamond, a triangle if clear.

    Reads `reference` beside the common columns; `series` names city and reference.
    """
    city, reference = text.series
    drawn = alt.Chart().transform_filter(f"!({is_role(HIDDEN)})")
    y = row_axis(style)
    legend = alt.Legend(title=None, orient="top", columns=1)

    def who(attribute: type[alt.Color] | type[alt.Fill] | type[alt.Shape], *values: str) -> Any:
        scale = alt.Scale(domain=[city, reference], range=list(values))
        return attribute("who:N", scale=scale, legend=legend)

    line = drawn.mark_rule(size=style.size(1.5), color=FAINT).encode(
        y=y, x=value_axis("reference", text), x2="estimate:Q"
    )
    whisker = drawn.mark_rule(size=style.size(2), color=ACCENT, opacity=0.7).encode(
        y=y, x=value_axis("ci_low", text), x2="ci_high:Q"
    )
    dots = [
        drawn.transform_calculate(who=series_name(index))
        .mark_point(size=style.size(80), opacity=1, strokeWidth=1.8)
        .encode(
            y=y,
            x=value_axis(field, text),
            color=who(alt.Color, ACCENT, GREY),
            fill=who(alt.Fill, ACCENT, NO_FILL),
            shape=who(alt.Shape, "circle", "diamond"),
            tooltip=tooltip(field, text, ".1f"),
        )
        for index, field in ((1, "reference"), (0, "estimate"))
    ]
    layers = (line, whisker, *dots, _verdict_texts(style), hidden_rows(style))
    return stacked_rows(layers, style, compact=False)


def _verdict_texts(style: ChartStyle) -> alt.Chart:
    return (
        alt.Chart()
        .transform_filter(is_role(HIGHER, LOWER))
        .transform_calculate(sign=f"datum.role === {HIGHER!r} ? {UP!r} : {DOWN!r}")
        .mark_text(align="right", fontSize=style.size(14))
        .encode(
            y=row_axis(style),
            x=alt.value("width"),
            text="sign:N",
            color=alt.Color(
                "sign:N", scale=alt.Scale(domain=[UP, DOWN], range=[RISE, FALL]), legend=None
            ),
        )
    )


_ROOM_FOR_A_LABEL = 46


def grouped_dots(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Draw a dot and its interval per row and `series`, told apart by colour and shape."""
    names = list(text.series)
    colour_scale = alt.Scale(domain=names, range=list(OKABE_ITO[: len(names)]))
    shape_scale = alt.Scale(domain=names, range=list(SHAPES[: len(names)]))
    legend = alt.Legend(title=None, orient="top", columns=1)
    y = row_axis(style)
    offset = alt.YOffset("series:N", sort=names)
    drawn = alt.Chart().transform_filter(f"!({is_role(HIDDEN)})")
    whisker = drawn.mark_rule(size=style.size(2), opacity=0.7).encode(
        y=y,
        yOffset=offset,
        x=value_axis("ci_low", text),
        x2="ci_high:Q",
        color=alt.Color("series:N", scale=colour_scale, legend=legend),
    )
    dots = drawn.mark_point(size=style.size(64), filled=True, opacity=1).encode(
        y=y,
        yOffset=offset,
        x=value_axis("estimate", text),
        color=alt.Color("series:N", scale=colour_scale, legend=legend),
        shape=alt.Shape("series:N", scale=shape_scale, legend=legend),
        tooltip=[alt.Tooltip("series:N", title=""), *tooltip("estimate", text, ".1f")],
    )
    step = alt.Step(style.size(max(_ROOM_FOR_A_LABEL, 11 + 8 * len(names))), **{"for": "position"})
    return alt.layer(blank_layer(style), whisker, dots).properties(width="container", height=step)


def half_widths(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Draw a row per city with marks for the city and each group, and a line at the margin."""
    names = list(text.series)
    legend = alt.Legend(title=None, orient="top", columns=1)
    dots = (
        alt.Chart()
        .transform_filter(f"!({is_role(HIDDEN, REFERENCE)})")
        .mark_point(size=style.size(44), filled=True, opacity=1)
        .encode(
            y=row_axis(style, compact=True),
            x=alt.X("estimate:Q", title=text.value, scale=alt.Scale(zero=True, nice=True)),
            color=alt.Color(
                "series:N",
                scale=alt.Scale(domain=names, range=list(OKABE_ITO[: len(names)])),
                legend=legend,
            ),
            shape=alt.Shape(
                "series:N",
                scale=alt.Scale(domain=names, range=list(SHAPES[: len(names)])),
                legend=legend,
            ),
            tooltip=[alt.Tooltip("series:N", title=""), *tooltip("estimate", text, ".1f")],
        )
    )
    return alt.layer(blank_layer(style, compact=True), reference_rule(), dots).properties(
        width="container", height=alt.Step(style.row(compact=True))
    )


_CHANGE_ROLES = (HIGHER, LOWER, UNCLEAR)
_CHANGE_SHAPES = ("triangle-up", "triangle-down", "circle")
_CHANGE_COLOURS = (RISE, FALL, GREY)
_CHANGE_FILLS = (RISE, FALL, NO_FILL)


def changes(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Draw one row per change with its interval; `series` names rise, fall and no change.

    Reads `difference`; a row with the role `reference` is drawn as a dashed line.
    """
    return _changes(text, style, compact=False)


def city_changes(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Draw the changes of many cities."""
    return _changes(text, style, compact=True)


def _changes(text: ChartLabels, style: ChartStyle, *, compact: bool) -> alt.LayerChart:
    names = list(text.series)
    words = ", ".join(series_name(index) for index in range(len(names)))
    drawn = (
        alt.Chart()
        .transform_filter(f"!({is_role(HIDDEN, REFERENCE)})")
        .transform_calculate(verdict=f"[{words}][indexof({list(_CHANGE_ROLES)!r}, datum.role)]")
    )
    legend = alt.Legend(title=None, orient="top", columns=1, symbolStrokeWidth=1.5)

    def encode_verdict(
        attribute: type[alt.Color] | type[alt.Fill] | type[alt.Shape], looks: object
    ) -> object:
        return attribute("verdict:N", scale=alt.Scale(domain=names, range=looks), legend=legend)

    y = row_axis(style, compact=compact)
    colour = encode_verdict(alt.Color, list(_CHANGE_COLOURS))
    whisker = drawn.mark_rule(size=style.size(2), opacity=0.7).encode(
        y=y, x=value_axis("ci_low", text), x2="ci_high:Q", color=colour
    )
    points = drawn.mark_point(
        size=style.size(38 if compact else 90), opacity=1, strokeWidth=1.5
    ).encode(
        y=y,
        x=value_axis("difference", text),
        color=colour,
        fill=encode_verdict(alt.Fill, list(_CHANGE_FILLS)),
        shape=encode_verdict(alt.Shape, list(_CHANGE_SHAPES)),
        tooltip=[*tooltip("difference", text, "+.1f"), alt.Tooltip("verdict:N", title="")],
    )
    layers = (zero_rule(), _nation_line(), whisker, points, hidden_rows(style, compact=compact))
    return stacked_rows(layers, style, compact=compact)


def _nation_line() -> alt.Chart:
    """Draw the dashed line at the change of the nation."""
    return (
        alt.Chart()
        .transform_filter(is_role(REFERENCE))
        .mark_rule(color=GREY, strokeDash=[5, 4], size=1.5)
        .encode(x="difference:Q")
    )
