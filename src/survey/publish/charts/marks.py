"""Marks that several charts share, and the names of the data's columns.

Every chart reads one small frame: `label` (row title), the value, `ci_low`, `ci_high`, `n`,
`range` (the interval in words), `role` (what the row is) and `note` (why nothing is drawn).
Charts of differences read `signed` as well: the value in words, where zero carries no sign.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from survey.publish.charts.style import GREY, ChartLabels, ChartStyle

HIDDEN = "hidden"
REFERENCE = "reference"
NO_FILL = "transparent"
SIGNED = "signed"
"""Column of differences in words."""


@dataclass(frozen=True)
class MarkStyle:
    """Style of a role; colour and shape always mean the same."""

    role: str
    shape: str
    colour: str
    fill: str


def is_role(*roles: str) -> str:
    """Return a Vega expression that keeps the rows with one of `roles`."""
    return f"indexof({list(roles)!r}, datum.role) >= 0"


def row_axis(style: ChartStyle, *, compact: bool = False) -> alt.Y:
    """Return the axis of row titles in the order of the data."""
    axis = alt.Axis(
        labelFontSize=style.size(10.5 if compact else 12),
        # A label may bring its own line breaks.
        labelExpr=r"split(datum.label, '\n')",
        ticks=False,
        domain=False,
        labelPadding=8,
        labelOverlap=False,
        grid=True,
        gridDash=[1, 3],
    )
    return alt.Y("label:N", sort=None, title=None, axis=axis)


def value_axis(field: str, text: ChartLabels) -> alt.X:
    return alt.X(
        f"{field}:Q",
        title=text.value,
        scale=alt.Scale(zero=False, nice=True),
        axis=alt.Axis(tickCount=7),
    )


def blank_layer(style: ChartStyle, *, compact: bool = False) -> alt.Chart:
    """Draw nothing, but reserve a place for every row in the order of the data."""
    return (
        alt.Chart()
        .transform_filter(f"!({is_role(REFERENCE)})")
        .mark_tick(opacity=0)
        .encode(y=row_axis(style, compact=compact))
    )


def tooltip(field: str, text: ChartLabels, number: str) -> list[alt.Tooltip]:
    return _build_tooltip(alt.Tooltip(f"{field}:Q", title=text.value, format=number), text)


def signed_tooltip(text: ChartLabels) -> list[alt.Tooltip]:
    """Return the tooltip of a difference, in words: number formats of charts sign zero too."""
    return _build_tooltip(alt.Tooltip(f"{SIGNED}:N", title=text.value), text)


def _build_tooltip(value: alt.Tooltip, text: ChartLabels) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("label:N", title=text.name),
        value,
        alt.Tooltip("range:N", title=text.interval),
        alt.Tooltip("n:Q", title=text.n, format=",d"),
    ]


def categories(names: Sequence[str], looks: Sequence[str], **legend: Any) -> dict[str, Any]:
    """Return scale and legend that tell categories apart by colour, fill or shape."""
    return {
        "scale": alt.Scale(domain=list(names), range=list(looks[: len(names)])),
        "legend": alt.Legend(title=None, orient="top", **{"columns": 1, **legend}),
    }


def _build_role_encoding(looks: Sequence[MarkStyle], attribute: str) -> dict[str, Any]:
    domain = [look.role for look in looks]
    scale = alt.Scale(domain=domain, range=[getattr(look, attribute) for look in looks])
    return {"shorthand": "role:N", "scale": scale, "legend": None}


def visible_rows() -> alt.Chart:
    """Return a chart of the rows that have a mark of their own."""
    return alt.Chart().transform_filter(f"!({is_role(HIDDEN, REFERENCE)})")


def interval_rule(
    looks: Sequence[MarkStyle], text: ChartLabels, style: ChartStyle, *, compact: bool
) -> alt.Chart:
    """Draw the interval of each row."""
    return (
        visible_rows()
        .mark_rule(size=style.size(2), opacity=0.7)
        .encode(
            y=row_axis(style, compact=compact),
            x=value_axis("ci_low", text),
            x2="ci_high:Q",
            color=alt.Color(**_build_role_encoding(looks, "colour")),
        )
    )


def marks(
    field: str,
    looks: Sequence[MarkStyle],
    text: ChartLabels,
    style: ChartStyle,
    *,
    compact: bool,
    tips: Sequence[alt.Tooltip],
) -> alt.Chart:
    """Draw the estimate of each row; `tips` are said where the pointer rests on it."""
    return (
        visible_rows()
        .mark_point(size=style.size(38 if compact else 90), opacity=1, strokeWidth=1.5)
        .encode(
            y=row_axis(style, compact=compact),
            x=value_axis(field, text),
            color=alt.Color(**_build_role_encoding(looks, "colour")),
            fill=alt.Fill(**_build_role_encoding(looks, "fill")),
            shape=alt.Shape(**_build_role_encoding(looks, "shape")),
            tooltip=list(tips),
        )
    )


def hidden_rows(style: ChartStyle, *, compact: bool = False) -> alt.Chart:
    """Draw the text that stands where a suppressed row has no mark."""
    return (
        alt.Chart()
        .transform_filter(is_role(HIDDEN))
        .mark_text(align="left", baseline="middle", fontStyle="italic", color=GREY)
        .encode(y=row_axis(style, compact=compact), x=alt.value(6), text="note:N")
    )


def reference_rule() -> alt.Chart:
    """Draw a dashed line down the chart, for example at the nation's score."""
    return (
        alt.Chart()
        .transform_filter(is_role(REFERENCE))
        .mark_rule(color=GREY, strokeDash=[5, 4], size=1.5)
        .encode(x="estimate:Q")
    )


def zero_rule() -> alt.Chart:
    return (
        alt.Chart()
        .transform_aggregate(rows="count()")
        .mark_rule(color=GREY, size=1.5)
        .encode(x=alt.datum(0))
    )


def stacked_rows(layers: Sequence[alt.Chart], style: ChartStyle) -> alt.LayerChart:
    """Return the finished chart, as wide as its place and as tall as its rows."""
    return alt.layer(blank_layer(style), *layers).properties(
        width="container", height=alt.Step(style.row())
    )
