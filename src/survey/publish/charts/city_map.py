"""Map of the cities as points by longitude and latitude, without boundaries."""

import altair as alt

from survey.publish.charts.interval_charts import HIGHER, LOWER, UNCLEAR
from survey.publish.charts.style import (
    FAINT,
    FALL,
    GREY,
    RISE,
    ChartLabels,
    ChartStyle,
    series_name,
)

_NOT_CLEAR = "transparent"


def point_map(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Draw triangles for cities clearly above or below; `series` names above, below, not clear."""
    roles, names = [HIGHER, LOWER, UNCLEAR], list(text.series)
    words = ", ".join(series_name(index) for index in range(len(names)))
    legend = alt.Legend(title=None, orient="top", columns=1)
    grid = alt.Chart(alt.graticule(step=[10, 10], extent=[[73, 17], [136, 54]])).mark_geoshape(
        filled=False,
        stroke=FAINT,
        strokeWidth=0.4,
    )
    cities = (
        alt.Chart()
        .transform_calculate(who=f"[{words}][indexof({roles!r}, datum.role)]")
        .mark_point(size=style.size(70), opacity=0.95, strokeWidth=1.4)
        .encode(
            longitude="lon:Q",
            latitude="lat:Q",
            shape=alt.Shape(
                "who:N",
                scale=alt.Scale(domain=names, range=["triangle-up", "triangle-down", "circle"]),
                legend=legend,
            ),
            color=alt.Color(
                "who:N", scale=alt.Scale(domain=names, range=[RISE, FALL, GREY]), legend=legend
            ),
            fill=alt.Fill(
                "who:N",
                scale=alt.Scale(domain=names, range=[RISE, FALL, _NOT_CLEAR]),
                legend=legend,
            ),
            tooltip=[
                alt.Tooltip("label:N", title=text.name),
                alt.Tooltip("estimate:Q", title=text.value, format=".1f"),
                alt.Tooltip("range:N", title=text.interval),
                alt.Tooltip("n:Q", title=text.n, format=",d"),
            ],
        )
    )
    return (
        alt.layer(grid, cities)
        .project(type="conicEqualArea", parallels=[25, 47], rotate=[-105, 0, 0])
        .properties(width="container", height=style.size(460))
    )
