"""Charts of changes between two waves, with an arrow only where the change is clear."""

import altair as alt

from survey.publish.charts.interval_charts import HIGHER, LOWER, UNCLEAR
from survey.publish.charts.marks import (
    HIDDEN,
    NO_FILL,
    REFERENCE,
    hidden_rows,
    is_role,
    row_axis,
    stacked_rows,
    tooltip,
    value_axis,
    zero_rule,
)
from survey.publish.charts.style import ACCENT, GREY, ChartLabels, ChartStyle, series_name

_ROLES = (HIGHER, LOWER, UNCLEAR)
_SHAPES = ("triangle-up", "triangle-down", "circle")
_COLOURS = (ACCENT, ACCENT, GREY)
_FILLS = (ACCENT, ACCENT, NO_FILL)


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
    words = ", ".join(series_name(place) for place in range(len(names)))
    drawn = (
        alt.Chart()
        .transform_filter(f"!({is_role(HIDDEN, REFERENCE)})")
        .transform_calculate(verdict=f"[{words}][indexof({list(_ROLES)!r}, datum.role)]")
    )
    place = alt.Legend(title=None, orient="top", columns=1, symbolStrokeWidth=1.5)

    def told(
        attribute: type[alt.Color] | type[alt.Fill] | type[alt.Shape], looks: object
    ) -> object:
        return attribute("verdict:N", scale=alt.Scale(domain=names, range=looks), legend=place)

    y = row_axis(style, compact=compact)
    colour = told(alt.Color, list(_COLOURS))
    whisker = drawn.mark_rule(size=style.size(2), opacity=0.7).encode(
        y=y, x=value_axis("ci_low", text), x2="ci_high:Q", color=colour
    )
    marks = drawn.mark_point(
        size=style.size(38 if compact else 90), opacity=1, strokeWidth=1.5
    ).encode(
        y=y,
        x=value_axis("difference", text),
        color=colour,
        fill=told(alt.Fill, list(_FILLS)),
        shape=told(alt.Shape, list(_SHAPES)),
        tooltip=[*tooltip("difference", text, "+.1f"), alt.Tooltip("verdict:N", title="")],
    )
    layers = (zero_rule(), _whole(), whisker, marks, hidden_rows(style, compact=compact))
    return stacked_rows(layers, style, compact=compact)


def _whole() -> alt.Chart:
    """Draw the dashed line at the change of the nation."""
    return (
        alt.Chart()
        .transform_filter(is_role(REFERENCE))
        .mark_rule(color=GREY, strokeDash=[5, 4], size=1.5)
        .encode(x="difference:Q")
    )
