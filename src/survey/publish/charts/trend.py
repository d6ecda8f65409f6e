"""Chart of the years: own waves with a ribbon, published scores dashed and apart."""

import altair as alt

from survey.publish.charts.style import ACCENT, GREY, ChartLabels, ChartStyle, series_name

OWN, PUBLISHED = "own", "published"


def ribbon_line(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Draw estimates by year with their intervals; `text.series` names own and published.

    Reads `year`, `estimate`, `ci_low`, `ci_high`, `series`. Published scores come without
    intervals: hollow squares on a dashed line.
    """
    own, published = text.series
    named = alt.Chart().transform_calculate(
        who=f"datum.series === {OWN!r} ? {series_name(0)} : {series_name(1)}"
    )
    x = alt.X("year:O", title=None, axis=alt.Axis(labelAngle=0))
    legend = alt.Legend(title=None, orient="top", columns=1, symbolOpacity=1, symbolStrokeWidth=0)
    colour = alt.Color(
        "who:N", scale=alt.Scale(domain=[own, published], range=[ACCENT, GREY]), legend=legend
    )
    shape = alt.Shape(
        "who:N", scale=alt.Scale(domain=[own, published], range=["circle", "square"]), legend=legend
    )
    dash = alt.StrokeDash(
        "who:N", scale=alt.Scale(domain=[own, published], range=[[1, 0], [4, 4]]), legend=None
    )

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", title=text.value, scale=alt.Scale(zero=False, nice=True))

    ours = named.transform_filter(f"datum.series === {OWN!r}")
    ribbon = ours.mark_area(opacity=0.15).encode(x=x, y=y("ci_low"), y2="ci_high:Q", color=colour)
    whiskers = ours.mark_rule(size=style.size(3)).encode(
        x=x, y=y("ci_low"), y2="ci_high:Q", color=colour
    )
    lines = named.mark_line(size=style.size(2)).encode(
        x=x, y=y("estimate"), color=colour, strokeDash=dash
    )
    points = named.mark_point(size=style.size(80), filled=True, opacity=1).encode(
        x=x,
        y=y("estimate"),
        color=colour,
        shape=shape,
        tooltip=[
            alt.Tooltip("year:O", title=text.name),
            alt.Tooltip("estimate:Q", title=text.value, format=".2f"),
            alt.Tooltip("range:N", title=text.interval),
        ],
    )
    numbers = [
        named.transform_filter(f"datum.series === {series!r}")
        .mark_text(align=align, dx=style.size(dx), dy=style.size(dy), fontSize=style.size(11.5))
        .encode(x=x, y=y("estimate"), text=alt.Text("estimate:Q", format=".1f"), color=colour)
        for series, align, dx, dy in ((OWN, "left", 6, -10), (PUBLISHED, "center", 0, 15))
    ]
    return alt.layer(lines, ribbon, whiskers, points, *numbers).properties(
        width="container", height=style.size(300)
    )
