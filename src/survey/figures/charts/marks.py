"""Style of charts, marks that several share, and the names of the data's columns.

Every chart reads one small frame: `label` (row title), the value, `ci_low`, `ci_high`, `n`,
`range` (the interval in words), `role` (what the row is) and `note` (why nothing is drawn).
Charts of differences read `signed` as well: the value in words, where zero carries no sign.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

ACCENT = "#BF3B30"
"""This city or this group. At least 3:1 on the white and on the dark page."""
RISE, FALL = "#01766B", "#A06410"
"""Clearly above or below, risen or fallen; green and brown that colour-blind readers tell apart."""
GREY = "#8A8783"
FAINT = "#B9B5AF"
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#A87F00", "#56B4E9")
"""Colours of categories that must be told apart, always together with a shape."""
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")

_LABEL, _TITLE = 12.0, 12.0
ROW = 24.0
COMPACT_ROW = 15.0


@dataclass(frozen=True)
class ChartStyle:
    """Size of a chart's text; `scale` is 1 for ordinary text and larger in elder mode."""

    scale: float = 1.0

    def size(self, pixels: float) -> float:
        return round(pixels * self.scale, 1)

    def row(self, *, compact: bool = False) -> float:
        return self.size(COMPACT_ROW if compact else ROW)


ORDINARY = ChartStyle()
ELDER = ChartStyle(scale=1.35)


def config(style: ChartStyle) -> dict[str, Any]:
    """Return the Vega-Lite `config` of every chart: font sizes, grid and legend by `style`."""
    label, title = style.size(_LABEL), style.size(_TITLE)
    return {
        # The element around the chart carries its description; marks one by one are noise.
        "mark": {"aria": False},
        "axis": {
            "labelFontSize": label,
            "titleFontSize": title,
            "labelLimit": style.size(190),
            "titleFontWeight": "normal",
            "gridOpacity": 0.5,
        },
        "legend": {
            "labelFontSize": label,
            "titleFontSize": title,
            "labelLimit": style.size(260),
            "symbolSize": style.size(80),
        },
        "text": {"fontSize": label},
        "view": {"stroke": None},
    }


@dataclass(frozen=True)
class ChartLabels:
    """Texts of a chart in the reader's language: axis titles, tooltips, and names of its series."""

    value: str
    """Title of the value axis, with its unit."""
    name: str = ""
    interval: str = ""
    n: str = ""
    series: tuple[str, ...] = ()
    label_lines: int = 1
    """Lines of the longest title of a row."""


def series_name(index: int) -> str:
    """Return the Vega expression for the label of the series at `index`; labels may hold quotes."""
    return f"series_{index}"


def series_of(roles: Sequence[str], column: str = "role") -> str:
    """Return a Vega expression: the series label at the place of a row's `column` in `roles`."""
    words = ", ".join(series_name(index) for index in range(len(roles)))
    return f"[{words}][indexof({list(roles)!r}, datum.{column})]"


def wrap_text(text: str, characters: int) -> Iterator[str]:
    """Yield lines of at most `characters` half-width columns; Chinese may break anywhere."""
    line, width = "", 0
    for word in _split_breakable(text):
        size = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in word)
        if width + size > characters and line:
            yield line.rstrip()
            line, width = "", 0
            word = word.lstrip()
        line, width = line + word, width + size
    if line.strip():
        yield line.rstrip()


def _split_breakable(text: str) -> Iterator[str]:
    """Yield words, each with the blank before it, and each Chinese character on its own."""
    piece = ""
    for character in text:
        wide = unicodedata.east_asian_width(character) in "WF"
        if (wide or character == " ") and piece:
            yield piece
            piece = ""
        piece += character
        if wide:
            yield piece
            piece = ""
    if piece:
        yield piece


HIDDEN_ROLE = "hidden"
REFERENCE = "reference"
NO_FILL = "transparent"
SIGNED = "signed"
"""Column of differences in words."""


@dataclass(frozen=True)
class MarkStyle:
    """Shape, colour and fill of marks of one role, such as `higher`; the same in every chart."""

    role: str
    shape: str
    colour: str
    fill: str


def is_role(*roles: str) -> str:
    """Return a Vega expression that is true for rows whose role is one of `roles`."""
    return f"indexof({list(roles)!r}, datum.role) >= 0"


def row_axis(style: ChartStyle, *, compact: bool = False) -> alt.Y:
    """Return the vertical axis of row titles in data order; a `compact` one has smaller text."""
    axis = alt.Axis(
        labelFontSize=style.size(11 if compact else 12),
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
    """Return the tooltip of a difference with its sign (zero without), labelled by `text`."""
    return _build_tooltip(alt.Tooltip(f"{SIGNED}:N", title=text.value), text)


def _build_tooltip(value: alt.Tooltip, text: ChartLabels) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("label:N", title=text.name),
        value,
        alt.Tooltip("range:N", title=text.interval),
        alt.Tooltip("n:Q", title=text.n, format=",d"),
    ]


def categories(names: Sequence[str], looks: Sequence[str], **legend: Any) -> dict[str, Any]:
    """Return scale and legend that give each series in `names` its colour or shape of `looks`."""
    return {
        "scale": alt.Scale(domain=list(names), range=list(looks[: len(names)])),
        "legend": alt.Legend(title=None, orient="top", **{"columns": 1, **legend}),
    }


def encode_categories(
    field: str, names: Sequence[str], looks: Sequence[MarkStyle], **legend: Any
) -> dict[str, Any]:
    """Return encodings of colour, fill and shape that give each of `names` in `field` its looks."""
    return {
        "color": alt.Color(field, **categories(names, [look.colour for look in looks], **legend)),
        "fill": alt.Fill(field, **categories(names, [look.fill for look in looks], **legend)),
        "shape": alt.Shape(field, **categories(names, [look.shape for look in looks], **legend)),
    }


def _build_role_encoding(looks: Sequence[MarkStyle], attribute: str) -> dict[str, Any]:
    domain = [look.role for look in looks]
    scale = alt.Scale(domain=domain, range=[getattr(look, attribute) for look in looks])
    return {"shorthand": "role:N", "scale": scale, "legend": None}


def visible_rows() -> alt.Chart:
    """Return a chart of the rows that are neither hidden nor the reference line."""
    return alt.Chart().transform_filter(f"!({is_role(HIDDEN_ROLE, REFERENCE)})")


def interval_rule(
    looks: Sequence[MarkStyle], text: ChartLabels, style: ChartStyle, *, compact: bool
) -> alt.Chart:
    """Return a layer with each row's interval as a line in the colour of its role (`looks`)."""
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
    """Return a layer of marks at column `field`, one of `looks` per role; `tips`: tooltip."""
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
    """Draw, in each suppressed row, the words that say why it has no mark."""
    return (
        alt.Chart()
        .transform_filter(is_role(HIDDEN_ROLE))
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
    """Return a chart of `layers`, as wide as its container and as tall as its rows need."""
    return alt.layer(blank_layer(style), *layers).properties(
        width="container", height=alt.Step(style.row())
    )
