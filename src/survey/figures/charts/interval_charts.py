"""Charts of estimates, differences, changes and years with their intervals."""

import altair as alt

from survey.figures.charts.marks import (
    ACCENT,
    FAINT,
    FALL,
    GREY,
    HIDDEN_ROLE,
    NO_FILL,
    OKABE_ITO,
    REFERENCE,
    RISE,
    SHAPES,
    SIGNED,
    ChartLabels,
    ChartStyle,
    MarkStyle,
    blank_layer,
    categories,
    encode_categories,
    hidden_rows,
    interval_rule,
    is_role,
    marks,
    reference_rule,
    row_axis,
    series_name,
    series_of,
    signed_tooltip,
    stacked_rows,
    tooltip,
    value_axis,
    visible_rows,
    zero_rule,
)

ITEM, FOCUS = "item", "focus"
PICK = "pick"
"""Name of the selection a click makes; it carries the `code` of the row."""

_INTERVAL_STYLES = (
    MarkStyle(ITEM, "circle", GREY, GREY),
    MarkStyle(FOCUS, "diamond", ACCENT, ACCENT),
)
FIRST_AND_OTHERS = (
    MarkStyle(FOCUS, "diamond", ACCENT, ACCENT),
    MarkStyle(ITEM, "circle", GREY, NO_FILL),
)


def interval_dots(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Return a chart labelled by `text`: a dot with interval per row, a diamond where in focus."""
    layers = (
        reference_rule(),
        interval_rule(_INTERVAL_STYLES, text, style, compact=False),
        marks(
            "estimate",
            _INTERVAL_STYLES,
            text,
            style,
            compact=False,
            tips=tooltip("estimate", text, ".1f"),
        ),
        hidden_rows(style),
    )
    return stacked_rows(layers, style)


HIGHER, LOWER, UNCLEAR = "higher", "lower", "unclear"

GAP_STYLES = (
    MarkStyle(HIGHER, "triangle-up", RISE, RISE),
    MarkStyle(LOWER, "triangle-down", FALL, FALL),
    MarkStyle(UNCLEAR, "circle", GREY, NO_FILL),
)


def gaps(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Return a chart labelled by `text`: differences with interval, a triangle if significant."""
    layers = (
        zero_rule(),
        interval_rule(GAP_STYLES, text, style, compact=False),
        marks("difference", GAP_STYLES, text, style, compact=False, tips=signed_tooltip(text)),
        hidden_rows(style),
    )
    return stacked_rows(layers, style)


UP, DOWN = "▲", "▼"
_CITY_AND_REFERENCE = (
    MarkStyle(ITEM, "circle", ACCENT, ACCENT),
    MarkStyle(REFERENCE, "diamond", GREY, NO_FILL),
)


def dumbbell(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Return a chart labelled by `text`: per indicator its score with interval and its reference.

    Reads `reference` beside the common columns; `series` names city and reference.
    """
    drawn = alt.Chart().transform_filter(f"!({is_role(HIDDEN_ROLE)})")
    y = row_axis(style)
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
            **encode_categories("who:N", text.series, _CITY_AND_REFERENCE),
            tooltip=tooltip(field, text, ".1f"),
        )
        for index, field in ((1, "reference"), (0, "estimate"))
    ]
    layers = (line, whisker, *dots, *_draw_verdict_signs(style), hidden_rows(style))
    return stacked_rows(layers, style)


def _draw_verdict_signs(style: ChartStyle) -> list[alt.Chart]:
    return [
        alt.Chart()
        .transform_filter(is_role(role))
        .mark_text(text=sign, color=colour, align="right", fontSize=style.size(14))
        .encode(y=row_axis(style), x=alt.value("width"))
        for role, sign, colour in ((HIGHER, UP, RISE), (LOWER, DOWN, FALL))
    ]


_ROOM_FOR_A_LABEL, _LABEL_LINE, _LABEL_GAP = 46, 14, 4
"""Least height of a row, of each line of its title, which may take many in one's own study, and of
the gap below it."""
FITTING_LINES = (_ROOM_FOR_A_LABEL - _LABEL_GAP) // _LABEL_LINE
"""Lines of a title for which the least height is enough."""


def grouped_dots(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Return a chart labelled by `text`: a dot with interval per row and series, told by colour."""
    names = list(text.series)
    colour = alt.Color("series:N", **categories(names, OKABE_ITO))
    y = row_axis(style)
    offset = alt.YOffset("series:N", sort=names)
    drawn = alt.Chart().transform_filter(f"!({is_role(HIDDEN_ROLE)})")
    whisker = drawn.mark_rule(size=style.size(2), opacity=0.7).encode(
        y=y, yOffset=offset, x=value_axis("ci_low", text), x2="ci_high:Q", color=colour
    )
    dots = drawn.mark_point(size=style.size(64), filled=True, opacity=1).encode(
        y=y,
        yOffset=offset,
        x=value_axis("estimate", text),
        color=colour,
        shape=alt.Shape("series:N", **categories(names, SHAPES)),
        tooltip=[alt.Tooltip("series:N", title=""), *tooltip("estimate", text, ".1f")],
    )
    height = max(
        _ROOM_FOR_A_LABEL, 11 + 8 * len(names), _LABEL_GAP + _LABEL_LINE * text.label_lines
    )
    step = alt.Step(style.size(height), **{"for": "position"})
    return alt.layer(blank_layer(style), whisker, dots).properties(width="container", height=step)


def half_widths(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Return a chart labelled by `text`: half-widths by city and group, the target as a line."""
    dots = (
        visible_rows()
        .mark_point(size=style.size(44), filled=True, opacity=1)
        .encode(
            y=row_axis(style, compact=True),
            x=alt.X("estimate:Q", title=text.value, scale=alt.Scale(zero=True, nice=True)),
            color=alt.Color("series:N", **categories(text.series, OKABE_ITO)),
            shape=alt.Shape("series:N", **categories(text.series, SHAPES)),
            tooltip=[alt.Tooltip("series:N", title=""), *tooltip("estimate", text, ".1f")],
        )
    )
    return alt.layer(blank_layer(style, compact=True), reference_rule(), dots).properties(
        width="container", height=alt.Step(style.row(compact=True))
    )


def funnel(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Return a chart labelled by `text`: cities' changes by margin of error, and lines of equality.

    Reads `difference`, `signed` and `margin`; `n` of the labels is the title of the margin,
    `series` names rise, fall and no change; the row with the role `reference` is a dashed line.
    """
    looks = {"columns": 3, "symbolStrokeWidth": 1.5}
    x = alt.X("margin:Q", title=text.n, scale=alt.Scale(zero=True, nice=True))

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", title=text.value, axis=alt.Axis(tickCount=7))

    bounds = [
        alt.Chart()
        .transform_filter("isValid(datum.margin)")
        .transform_aggregate(margin="max(margin)")
        .transform_calculate(ends="[0, datum.margin]")
        .transform_flatten(["ends"], ["margin"])
        .transform_calculate(edge=f"{sign}datum.margin")
        .mark_line(color=GREY, size=style.size(1.5))
        .encode(x=x, y=y("edge"))
        for sign in ("", "-")
    ]
    level = alt.Chart().mark_rule(color=GREY, size=1)
    zero = level.transform_aggregate(rows="count()").encode(y=alt.datum(0))
    nation = (
        alt.Chart()
        .transform_filter(is_role(REFERENCE))
        .mark_rule(color=GREY, strokeDash=[5, 4], size=1.5)
        .encode(y=y("difference"))
    )
    points = (
        visible_rows()
        .transform_calculate(verdict=series_of((HIGHER, LOWER, UNCLEAR)))
        .mark_point(size=style.size(58), opacity=1, strokeWidth=1.5)
        .add_params(alt.selection_point(name=PICK, fields=["code"]))
        .encode(
            x=x,
            y=y("difference"),
            **encode_categories("verdict:N", text.series, GAP_STYLES, **looks),
            tooltip=[
                alt.Tooltip("label:N", title=text.name),
                alt.Tooltip(f"{SIGNED}:N", title=text.value),
                alt.Tooltip("range:N", title=text.interval),
                alt.Tooltip("verdict:N", title=""),
            ],
        )
    )
    return alt.layer(zero, *bounds, nation, points).properties(
        width="container", height=style.size(300)
    )


OWN, PUBLISHED = "own", "published"


def ribbon_line(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Return a chart labelled by `text`: scores by year with intervals, own and published series.

    Reads `year`, `estimate`, `ci_low`, `ci_high`, `series`. Scores of the second series are squares
    on a dashed line, with their intervals where they have some; published ones have none.
    """
    named = alt.Chart().transform_calculate(
        who=f"datum.series === {OWN!r} ? {series_name(0)} : {series_name(1)}"
    )
    # Room at the end for the number right of the last point, on a phone too.
    scale = alt.Scale(type="point", padding=0.9)
    x = alt.X("year:O", title=None, axis=alt.Axis(labelAngle=0), scale=scale)
    names = list(text.series)
    legend = {"columns": 2, "symbolOpacity": 1, "symbolStrokeWidth": 0}
    colour = alt.Color("who:N", **categories(names, (ACCENT, GREY), **legend))
    shape = alt.Shape("who:N", **categories(names, ("circle", "square"), **legend))
    dash = alt.StrokeDash(
        "who:N", scale=alt.Scale(domain=names, range=[[1, 0], [4, 4]]), legend=None
    )

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", title=text.value, scale=alt.Scale(zero=False, nice=True))

    ours = named.transform_filter(f"datum.series === {OWN!r}")
    ribbon = ours.mark_area(opacity=0.15).encode(x=x, y=y("ci_low"), y2="ci_high:Q", color=colour)
    whiskers = ours.mark_rule(size=style.size(3)).encode(
        x=x, y=y("ci_low"), y2="ci_high:Q", color=colour
    )
    # Of one year, both stand on one line: these are wider and paler, and lie below.
    theirs = named.transform_filter(f"datum.series === {PUBLISHED!r} && isValid(datum.ci_low)")
    behind = theirs.mark_rule(size=style.size(8), opacity=0.4).encode(
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
    return alt.layer(lines, ribbon, behind, whiskers, points, *numbers).properties(
        width="container", height=style.size(195)
    )
