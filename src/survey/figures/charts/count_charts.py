"""Charts of full counts, which have no interval: days, months, shares of two years, two orders."""

import altair as alt

from survey.figures.charts.interval_charts import FIRST_AND_OTHERS, FOCUS, ITEM
from survey.figures.charts.marks import (
    ACCENT,
    FAINT,
    GREY,
    REFERENCE,
    ChartLabels,
    ChartStyle,
    categories,
    encode_categories,
    is_role,
    row_axis,
    series_name,
    series_of,
)

BEFORE, DURING, AFTER = "before", "during", "after"
WINDOWS = (BEFORE, DURING, AFTER)
MEAN = "mean"
"""Role of the row that draws the mean of a window, from its first to its last day."""
_WINDOW_COLOURS, _WINDOW_SHAPES = (GREY, ACCENT, FAINT), ("circle", "diamond", "square")
_MONTH_ROW = 62.0
NOW, THEN = "now", "then"


def days(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Return a chart labelled by `text`: a daily count, its mean before, during and after a period.

    Reads `at` (milliseconds of the day in UTC), `value`, `role` (a window, or `mean`), `window`,
    `run` (number of the days in a row that a day belongs to: the line breaks between two),
    `first` and `last`. `series` names the windows.
    """
    names = list(text.series)
    named = alt.Chart().transform_calculate(who=series_of(WINDOWS, "window"))
    daily, means = named.transform_filter(is_role(*WINDOWS)), named.transform_filter(is_role(MEAN))
    axis = alt.Axis(format="%m-%d", labelAngle=0, tickCount=8, grid=False)
    legend = {"columns": 3, "symbolOpacity": 1, "symbolStrokeWidth": 1.5}
    colour = alt.Color("who:N", **categories(names, _WINDOW_COLOURS, **legend))

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:T", title=None, scale=alt.Scale(type="utc"), axis=axis)

    y = alt.Y("value:Q", title=text.value, scale=alt.Scale(zero=True, nice=True),
              axis=alt.Axis(tickCount=5, format=",~f"))  # fmt: skip
    line = daily.mark_line(size=style.size(1.2), color=FAINT).encode(x=x("at"), y=y, detail="run:N")
    dots = daily.mark_point(size=style.size(34), filled=True, opacity=1).encode(
        x=x("at"),
        y=y,
        color=colour,
        shape=alt.Shape("who:N", **categories(names, _WINDOW_SHAPES, **legend)),
        tooltip=[
            alt.Tooltip("label:N", title=text.name),
            alt.Tooltip("value:Q", title=text.value, format=",.1f"),
            alt.Tooltip("who:N", title=""),
        ],
    )
    levels = means.mark_rule(size=style.size(2.5)).encode(
        x=x("first"), x2="last:T", y=y, color=colour
    )
    return alt.layer(line, levels, dots).properties(width="container", height=style.size(220))


def months(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Return a chart labelled by `text`: per area a line over the twelve months, all on one scale.

    Reads `row` (from 0 on), `month` (1 to 12), `level` (`row` minus the value as a share of the
    largest of all), `value`, `label`, `role` (`focus` or `item`). `series` has one entry a row.
    """
    x = alt.X(
        "month:Q",
        title=None,
        scale=alt.Scale(domain=[1, 12], nice=False),
        axis=alt.Axis(values=list(range(1, 13)), format="d", grid=False),
    )
    hidden_axis = {"axis": None, "scale": alt.Scale(reverse=True, zero=False, nice=False)}
    colour = alt.Color(
        "role:N", scale=alt.Scale(domain=[FOCUS, ITEM], range=[ACCENT, GREY]), legend=None
    )
    charts = alt.Chart()
    base = charts.mark_rule(size=1, color=FAINT, opacity=0.7).encode(
        y=alt.Y("row:Q", title=text.value, **hidden_axis)
    )
    lines = charts.mark_line(size=style.size(2)).encode(
        x=x, y=alt.Y("level:Q", **hidden_axis), color=colour, detail="row:N"
    )
    dots = charts.mark_point(size=style.size(26), filled=True, opacity=1).encode(
        x=x,
        y=alt.Y("level:Q", **hidden_axis),
        color=colour,
        shape=alt.Shape(
            "role:N",
            scale=alt.Scale(domain=[FOCUS, ITEM], range=["diamond", "circle"]),
            legend=None,
        ),
        tooltip=[
            alt.Tooltip("label:N", title=text.name),
            alt.Tooltip("month:Q", title=text.n),
            alt.Tooltip("value:Q", title=text.value, format=",.1f"),
        ],
    )
    names = (
        charts.transform_aggregate(groupby=["row", "label", "role"], number="count()")
        .transform_calculate(above="datum.row - 0.74")
        .mark_text(align="left", baseline="bottom", fontSize=style.size(11.5))
        .encode(x=alt.value(2), y=alt.Y("above:Q", **hidden_axis), text="label:N", color=colour)
    )
    return alt.layer(base, lines, dots, names).properties(
        width="container", height=style.size(_MONTH_ROW) * max(len(text.series), 1)
    )


def shares(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Return a chart labelled by `text`: per category the shares of two years as two joined points.

    Reads `label`, `now`, `then` (missing where nothing compares). `series` names the two years.
    """
    legend = {"columns": 2, "symbolOpacity": 1, "symbolStrokeWidth": 1.5}

    def x(field: str) -> alt.X:
        return alt.X(
            f"{field}:Q",
            title=text.value,
            scale=alt.Scale(zero=True, nice=True),
            axis=alt.Axis(tickCount=6),
        )

    rows = alt.Chart()
    between = rows.mark_rule(size=style.size(1.5), color=FAINT).encode(
        y=row_axis(style), x=x(THEN), x2=f"{NOW}:Q"
    )
    points = (
        rows.transform_fold([NOW, THEN], ["which", "share"])
        .transform_calculate(who=f"datum.which === {NOW!r} ? {series_name(0)} : {series_name(1)}")
        .transform_filter("isValid(datum.share)")
        .mark_point(size=style.size(80), opacity=1, strokeWidth=1.5)
        .encode(
            y=row_axis(style),
            x=x("share"),
            **encode_categories("who:N", text.series, FIRST_AND_OTHERS, **legend),
            tooltip=[
                alt.Tooltip("label:N", title=text.name),
                alt.Tooltip("share:Q", title=text.value, format=".2f"),
                alt.Tooltip("who:N", title=""),
            ],
        )
    )
    return alt.layer(between, points).properties(width="container", height=alt.Step(style.row()))


def scatter(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Return a chart labelled by `text`: a point per city on two figures, with dashed medians.

    Reads `across`, `up`, `label`, `role` (`focus` for the chosen city). `series` names the chosen
    city, the others, and the vertical axis; dashed lines stand at the medians (`reference`).
    """
    chosen, others, vertical = text.series
    words = f"datum.role === {FOCUS!r} ? {series_name(0)} : {series_name(1)}"
    x = alt.X("across:Q", title=text.value, scale=alt.Scale(zero=False, nice=True),
              axis=alt.Axis(tickCount=6, grid=False))  # fmt: skip
    y = alt.Y("up:Q", title=vertical, scale=alt.Scale(zero=False, nice=True),
              axis=alt.Axis(tickCount=6, grid=False))  # fmt: skip
    legend = {"columns": 2, "symbolOpacity": 1, "symbolStrokeWidth": 1.5}
    medians = alt.Chart().transform_filter(is_role(REFERENCE))
    dashed = medians.mark_rule(color=FAINT, strokeDash=[5, 4], size=1.5)
    points = (
        alt.Chart()
        .transform_filter(is_role(FOCUS, ITEM))
        .transform_calculate(who=words)
        .mark_point(size=style.size(60), opacity=1, strokeWidth=1.5)
        .encode(
            x=x,
            y=y,
            order=alt.Order("role:N", sort="descending"),
            **encode_categories("who:N", (chosen, others), FIRST_AND_OTHERS, **legend),
            tooltip=[
                alt.Tooltip("label:N", title=text.name),
                alt.Tooltip("across:Q", title=text.value, format=",.1f"),
                alt.Tooltip("up:Q", title=vertical, format=".1f"),
            ],
        )
    )
    return alt.layer(dashed.encode(x=x), dashed.encode(y=y), points).properties(
        width="container", height=style.size(320)
    )
