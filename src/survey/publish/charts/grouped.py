"""Several groups per row, for example three age bands per topic."""

import altair as alt

from survey.publish.charts.layers import HIDDEN, ground, is_role, rows, tooltip, value_axis
from survey.publish.charts.style import OKABE_ITO, SHAPES, Style
from survey.publish.charts.text import ChartText

_ROOM_FOR_A_LABEL = 46


def grouped_dots(text: ChartText, style: Style) -> alt.LayerChart:
    """A dot and its interval per row and `series`; colour and shape tell the series apart."""
    names = list(text.series)
    colour_scale = alt.Scale(domain=names, range=list(OKABE_ITO[: len(names)]))
    shape_scale = alt.Scale(domain=names, range=list(SHAPES[: len(names)]))
    place = alt.Legend(title=None, orient="top", columns=1)
    y = rows(style)
    offset = alt.YOffset("series:N", sort=names)
    drawn = alt.Chart().transform_filter(f"!({is_role(HIDDEN)})")
    whisker = drawn.mark_rule(size=style.size(2), opacity=0.7).encode(
        y=y,
        yOffset=offset,
        x=value_axis("ci_low", text),
        x2="ci_high:Q",
        color=alt.Color("series:N", scale=colour_scale, legend=place),
    )
    dots = drawn.mark_point(size=style.size(64), filled=True, opacity=1).encode(
        y=y,
        yOffset=offset,
        x=value_axis("estimate", text),
        color=alt.Color("series:N", scale=colour_scale, legend=place),
        shape=alt.Shape("series:N", scale=shape_scale, legend=place),
        tooltip=[alt.Tooltip("series:N", title=""), *tooltip("estimate", text, ".1f")],
    )
    step = alt.Step(style.size(max(_ROOM_FOR_A_LABEL, 11 + 8 * len(names))), **{"for": "position"})
    return alt.layer(ground(style), whisker, dots).properties(width="container", height=step)
