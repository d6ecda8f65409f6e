"""Chart of a special group by city: the direct figure with its grade, and a comparison."""

import altair as alt

from survey.publish.charts.marks import NO_FILL, categories, is_role, row_axis, tooltip, value_axis
from survey.publish.charts.style import (
    ACCENT,
    GREY,
    OKABE_ITO,
    ChartLabels,
    ChartStyle,
    series_name,
)

GRADE_A, GRADE_B, GRADE_C, UNGRADED = "A", "B", "C", "hidden"
_GRADES = (GRADE_A, GRADE_B, GRADE_C)
_SHAPES = ("circle", "diamond", "triangle-up")
_COLOURS = (ACCENT, ACCENT, GREY)
_FILLS = (ACCENT, NO_FILL, NO_FILL)
_COMPARISON_COLOUR, _COMPARISON_SHAPE = OKABE_ITO[0], "square"
_ROOM = 24.0


def graded_cities(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Draw two lanes per city: the direct figure by grade, and below it the comparison, hollow.

    Reads the common columns, `role` (the grade, or `hidden`), `remark` (what must be said at the
    row itself), and `beside` with `beside_low`, `beside_high`, `beside_range`. `series`: the three
    grades and, where there is one, the name of what stands beside them.
    """
    names = list(text.series)
    words = ", ".join(series_name(index) for index in range(len(names)))
    lanes = alt.YOffset("lane:N", sort=["direct", "beside"], scale=alt.Scale(paddingInner=0.2))
    y = row_axis(style, compact=True)
    legend = {"symbolOpacity": 1, "symbolStrokeWidth": 1.5}
    colour = alt.Color("who:N", **categories(names, (*_COLOURS, _COMPARISON_COLOUR), **legend))
    look = {
        "color": colour,
        "fill": alt.Fill("who:N", **categories(names, (*_FILLS, NO_FILL), **legend)),
        "shape": alt.Shape("who:N", **categories(names, (*_SHAPES, _COMPARISON_SHAPE), **legend)),
    }

    def lane(name: str) -> alt.Chart:
        return alt.Chart().transform_calculate(lane=f"{name!r}")

    direct = (
        lane("direct")
        .transform_filter(is_role(*_GRADES))
        .transform_calculate(who=f"[{words}][indexof({list(_GRADES)!r}, datum.role)]")
    )
    layers = [
        lane("direct").mark_tick(opacity=0).encode(y=y, yOffset=lanes),
        lane("beside").mark_tick(opacity=0).encode(y=y, yOffset=lanes),
        direct.mark_rule(size=style.size(2), opacity=0.7).encode(
            y=y, yOffset=lanes, x=value_axis("ci_low", text), x2="ci_high:Q", color=colour
        ),
        direct.mark_point(size=style.size(42), opacity=1, strokeWidth=1.5).encode(
            y=y,
            yOffset=lanes,
            x=value_axis("estimate", text),
            tooltip=[*tooltip("estimate", text, ".1f"), alt.Tooltip("who:N", title=" ")],
            **look,
        ),
        lane("direct")
        .transform_filter(is_role(UNGRADED))
        .mark_text(align="left", baseline="middle", fontStyle="italic", color=GREY)
        .encode(y=y, yOffset=lanes, x=alt.value(6), text="note:N"),
        lane("direct")
        .transform_filter(is_role(GRADE_C))
        .mark_text(align="right", baseline="middle", dx=-4, fontSize=style.size(10), color=GREY)
        .encode(y=y, yOffset=lanes, x=alt.value("width"), text="remark:N"),
    ]
    if len(names) > len(_GRADES):
        comparison = (
            lane("beside")
            .transform_filter("isValid(datum.beside)")
            .transform_calculate(who=series_name(len(_GRADES)))
        )
        layers += [
            comparison.mark_rule(size=style.size(1.2), strokeDash=[3, 2]).encode(
                y=y,
                yOffset=lanes,
                x=value_axis("beside_low", text),
                x2="beside_high:Q",
                color=colour,
            ),
            comparison.mark_point(size=style.size(34), opacity=1, strokeWidth=1.4).encode(
                y=y,
                yOffset=lanes,
                x=value_axis("beside", text),
                tooltip=[
                    alt.Tooltip("label:N", title=text.name),
                    alt.Tooltip("who:N", title=" "),
                    alt.Tooltip("beside:Q", title=text.value, format=".1f"),
                    alt.Tooltip("beside_range:N", title=text.interval),
                ],
                **look,
            ),
        ]
    step = alt.Step(style.size(_ROOM), **{"for": "position"})
    return alt.layer(*layers).properties(width="container", height=step)
