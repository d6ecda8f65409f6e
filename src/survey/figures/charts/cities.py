"""Charts of cities: by rank, as points on a map without boundaries, and one among its peers."""

from typing import Any

import altair as alt

from survey.figures.charts.interval_charts import (
    FOCUS,
    GAP_STYLES,
    HIGHER,
    ITEM,
    LOWER,
    PICK,
    UNCLEAR,
)
from survey.figures.charts.marks import (
    ACCENT,
    FAINT,
    GREY,
    NO_FILL,
    REFERENCE,
    ChartLabels,
    ChartStyle,
    MarkStyle,
    encode_categories,
    hidden_rows,
    interval_rule,
    is_role,
    marks,
    reference_rule,
    series_of,
    tooltip,
    value_axis,
)

ABOVE, BELOW, TIED, UNRANKED = "above", "below", "tied", "unranked"
"""Roles of a city: clearly above the focus, clearly below, not told apart, without rank."""

_RANK_STYLES = (
    MarkStyle(FOCUS, "diamond", ACCENT, ACCENT),
    MarkStyle(TIED, "circle", GREY, GREY),
    MarkStyle(ABOVE, "triangle-up", GREY, NO_FILL),
    MarkStyle(BELOW, "triangle-down", GREY, NO_FILL),
    MarkStyle(ITEM, "circle", GREY, GREY),
    MarkStyle(UNRANKED, "circle", GREY, NO_FILL),
)
_SHADE = 0.16
_PEERS_HEIGHT = 114.0


def ranking(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Return a chart labelled by `text`: per city its rank, score, interval and possible ranks.

    `label` holds what stands on the left, a line break, and what stands on the right; `city` is
    the name and `places` the set in words. Rows of the focus and of the cities that cannot be told
    apart from it are shaded. `series` heads the two columns of words.
    """
    y = _build_rank_axis(None)
    tooltips = [
        alt.Tooltip("city:N", title=text.name),
        alt.Tooltip("estimate:Q", title=text.value, format=".1f"),
        alt.Tooltip("range:N", title=text.interval),
        alt.Tooltip("places:N", title=text.series[1]),
        alt.Tooltip("n:Q", title=text.n, format=",d"),
    ]
    dots = marks("estimate", _RANK_STYLES, text, style, compact=True, tips=tooltips)
    dots = dots.encode(y=y, x=_build_top_axis("estimate", text))
    intervals = interval_rule(_RANK_STYLES, text, style, compact=True)
    layers = (
        _draw_label_column(0, text, style, orient="left"),
        _draw_label_column(1, text, style, orient="right"),
        alt.Chart()
        .transform_filter(is_role(FOCUS, TIED))
        .mark_rect(color=ACCENT, opacity=_SHADE)
        .encode(y=y, x=alt.value(0), x2=alt.value("width")),
        reference_rule(),
        intervals.encode(y=y, x=_build_top_axis("ci_low", text)),
        dots.add_params(alt.selection_point(name=PICK, fields=["code"])),
        hidden_rows(style, compact=True).encode(y=y),
    )
    rows = alt.Step(style.row(compact=True))
    return (
        alt.layer(*layers).resolve_axis(y="independent").properties(width="container", height=rows)
    )


def _build_top_axis(field: str, text: ChartLabels) -> alt.X:
    """Return the axis at the top of a chart for scores in column `field`, labelled by `text`."""
    return value_axis(field, text).axis(orient="top", tickCount=7)


def _build_rank_axis(axis: alt.Axis | None) -> alt.Y:
    """Return the vertical encoding of cities in data order without gaps, drawn by `axis` if any."""
    return alt.Y("label:N", sort=None, scale=alt.Scale(padding=0), axis=axis)


def _draw_label_column(
    part: int, text: ChartLabels, style: ChartStyle, *, orient: str
) -> alt.Chart:
    """Return labels of rows on side `orient`: `part` 0 (rank and city) or 1 (possible ranks)."""
    axis = alt.Axis(
        orient=orient,
        title=text.series[part],
        titleAngle=0,
        titleAlign="right" if orient == "left" else "left",
        titleY=-8,
        titleX=-8 if orient == "left" else 8,
        labelExpr=rf"split(datum.label, '\n')[{part}]",
        labelFontSize=style.size(11),
        labelPadding=8,
        labelOverlap=False,
        labelFlush=False,
        ticks=False,
        domain=False,
        grid=orient == "left",
        gridDash=[1, 3],
    )
    return (
        alt.Chart()
        .transform_filter(f"!({is_role(REFERENCE)})")
        .mark_tick(opacity=0)
        .encode(y=_build_rank_axis(axis))
    )


def point_map(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Return a map labelled by `text`: a triangle at each city that differs from the nation."""
    grid = alt.Chart(alt.graticule(step=[10, 10], extent=[[74, 17], [134, 53]])).mark_geoshape(
        filled=False, stroke=FAINT, strokeWidth=0.4
    )
    cities = (
        alt.Chart()
        .transform_calculate(who=series_of((HIGHER, LOWER, UNCLEAR)))
        .mark_point(size=style.size(58), opacity=0.95, strokeWidth=1.4)
        .add_params(alt.selection_point(name=PICK, fields=["code"]))
        .encode(
            longitude="lon:Q",
            latitude="lat:Q",
            **encode_categories("who:N", text.series, GAP_STYLES, columns=3),
            tooltip=tooltip("estimate", text, ".1f"),
        )
    )
    return (
        alt.layer(grid, cities)
        .project(type="conicEqualArea", parallels=[25, 47], rotate=[-105, 0, 0])
        .properties(width="container", height=style.size(265))
    )


def peer_line(text: ChartLabels, style: ChartStyle) -> alt.LayerChart:
    """Return a chart labelled by `text`: scores of peers as rings, of the city as a diamond."""

    x = value_axis("estimate", text)

    def points(role: str, shape: str, **look: Any) -> alt.Chart:
        return (
            alt.Chart()
            .transform_filter(is_role(role))
            .mark_point(opacity=1, strokeWidth=1.5, **look)
            .encode(x=x, shape=alt.value(shape), tooltip=tooltip("estimate", text, ".1f"))
        )

    own = alt.Chart().transform_filter(is_role(FOCUS))
    interval = own.mark_rule(color=ACCENT, size=style.size(2)).encode(
        x=value_axis("ci_low", text), x2="ci_high:Q"
    )
    name = own.mark_text(color=ACCENT, dy=style.size(-12), fontSize=style.size(11)).encode(
        x=x, text="label:N"
    )
    others = points(ITEM, "circle", size=style.size(60), color=GREY, fill=NO_FILL)
    diamond = points(FOCUS, "diamond", size=style.size(110), color=ACCENT, fill=ACCENT)
    others = others.add_params(alt.selection_point(name=PICK, fields=["code"]))
    return alt.layer(others, interval, diamond, name).properties(
        width="container", height=style.size(_PEERS_HEIGHT)
    )
