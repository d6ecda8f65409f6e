"""How precise a plan will be: half-widths of each city and of its special groups."""

import altair as alt

from survey.publish.charts.layers import (
    HIDDEN,
    REFERENCE,
    ground,
    is_role,
    reference_rule,
    rows,
    tooltip,
)
from survey.publish.charts.style import OKABE_ITO, SHAPES, Style
from survey.publish.charts.text import ChartText


def half_widths(text: ChartText, style: Style) -> alt.LayerChart:
    """A row a city, a mark for the city and for each group (`series`), a line at the margin."""
    names = list(text.series)
    place = alt.Legend(title=None, orient="top", columns=1)
    dots = (
        alt.Chart()
        .transform_filter(f"!({is_role(HIDDEN, REFERENCE)})")
        .mark_point(size=style.size(44), filled=True, opacity=1)
        .encode(
            y=rows(style, compact=True),
            x=alt.X("estimate:Q", title=text.value, scale=alt.Scale(zero=True, nice=True)),
            color=alt.Color(
                "series:N",
                scale=alt.Scale(domain=names, range=list(OKABE_ITO[: len(names)])),
                legend=place,
            ),
            shape=alt.Shape(
                "series:N",
                scale=alt.Scale(domain=names, range=list(SHAPES[: len(names)])),
                legend=place,
            ),
            tooltip=[alt.Tooltip("series:N", title=""), *tooltip("estimate", text, ".1f")],
        )
    )
    return alt.layer(ground(style, compact=True), reference_rule(), dots).properties(
        width="container", height=alt.Step(style.row(compact=True))
    )
