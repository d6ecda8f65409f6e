"""Matrix of importance and performance: what weighs much and scores low comes first."""

import altair as alt

from survey.publish.charts.interval_charts import FOCUS, ITEM
from survey.publish.charts.marks import NO_FILL, REFERENCE, categories, is_role
from survey.publish.charts.style import ACCENT, FAINT, GREY, ChartLabels, ChartStyle, series_name

_ROLES = (FOCUS, ITEM)
_HEIGHT = 620.0
CORNERS = ("top right", "bottom right", "top left", "bottom left")
"""The words of the quadrants in `series`, after the two kinds of points and the vertical axis."""


def matrix(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Draw a point per indicator, with both intervals as lines and the averages dashed.

    Reads `importance`, `performance` (each with `_low`, `_high` and a `_range` in words), `code`,
    `label`, `role` (`focus` for the first three, `item`, `reference` for the averages) and
    `named` (whether the code is written beside the point: where many lie close, it is not).
    `series`: the first three, the others, the vertical axis, and the words of the corners.
    """
    first, others, vertical, *corners = text.series
    words = ", ".join(series_name(index) for index in range(len(_ROLES)))
    points = (
        alt.Chart()
        .transform_filter(is_role(*_ROLES))
        .transform_calculate(who=f"[{words}][indexof({list(_ROLES)!r}, datum.role)]")
    )
    names, legend = (first, others), {"symbolOpacity": 1, "symbolStrokeWidth": 1.5}
    colour = alt.Color("who:N", **categories(names, (ACCENT, GREY), **legend))

    def x(field: str = "importance") -> alt.X:
        return alt.X(
            f"{field}:Q",
            title=text.value,
            scale=alt.Scale(zero=False, nice=True),
            axis=alt.Axis(tickCount=6, grid=False),
        )

    def y(field: str = "performance") -> alt.Y:
        return alt.Y(
            f"{field}:Q",
            title=vertical,
            scale=alt.Scale(zero=False, nice=True),
            axis=alt.Axis(tickCount=6, grid=False),
        )

    lines = points.mark_rule(size=style.size(1.2), opacity=0.45)
    across = lines.encode(x=x("importance_low"), x2="importance_high:Q", y=y(), color=colour)
    along = lines.encode(x=x(), y=y("performance_low"), y2="performance_high:Q", color=colour)
    dots = points.mark_point(size=style.size(70), opacity=1, strokeWidth=1.5).encode(
        x=x(),
        y=y(),
        color=colour,
        fill=alt.Fill("who:N", **categories(names, (ACCENT, NO_FILL), **legend)),
        shape=alt.Shape("who:N", **categories(names, ("diamond", "circle"), **legend)),
        tooltip=[
            alt.Tooltip("label:N", title=text.name),
            alt.Tooltip("importance:Q", title=text.value, format=".1f"),
            alt.Tooltip("range:N", title=text.interval),
            alt.Tooltip("performance:Q", title=vertical, format=".1f"),
            alt.Tooltip("performance_range:N", title=text.interval),
        ],
    )
    codes = (
        points.transform_filter("datum.named")
        .mark_text(align="left", dx=style.size(6), dy=style.size(-7), fontSize=style.size(10))
        .encode(x=x(), y=y(), text="label:N", color=colour)
    )
    return alt.layer(
        *_draw_averages(x(), y()), *_draw_corner_labels(corners, style), across, along, dots, codes
    ).properties(width="container", height=style.size(_HEIGHT))


def _draw_averages(x: alt.X, y: alt.Y) -> tuple[alt.Chart, alt.Chart]:
    average = alt.Chart().transform_filter(is_role(REFERENCE))
    line = average.mark_rule(color=FAINT, strokeDash=[5, 4], size=1.5)
    return line.encode(x=x), line.encode(y=y)


def _draw_corner_labels(words: list[str], style: ChartStyle) -> list[alt.Chart]:
    """Draw what each quadrant means into its corner."""
    edge = style.size(5)
    return [
        alt.Chart()
        .transform_filter(is_role(REFERENCE))
        .mark_text(
            align="right" if "right" in corner else "left",
            baseline="top" if "top" in corner else "bottom",
            dx=-edge if "right" in corner else edge,
            dy=edge if "top" in corner else -edge,
            fontSize=style.size(11),
            fontStyle="italic",
            color=GREY,
        )
        .encode(
            x=alt.value("width" if "right" in corner else 0),
            y=alt.value(0 if "top" in corner else "height"),
            text=alt.value(word),
        )
        for corner, word in zip(CORNERS, words, strict=True)
    ]
