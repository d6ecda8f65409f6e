"""Style of every chart: one accent, greys, text sizes, and line breaking of labels."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

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
    """Return the configuration block that every chart carries."""
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
    """Labels in the reader's language; `series` names the categories in data order."""

    value: str
    """Title of the value axis, with its unit."""
    name: str = ""
    interval: str = ""
    n: str = ""
    series: tuple[str, ...] = ()
    label_lines: int = 1
    """Lines of the longest title of a row."""


def series_name(index: int) -> str:
    """Return the expression for a series label inside a chart; labels may hold quotes."""
    return f"series_{index}"


def wrap_text(text: str, characters: int) -> Iterator[str]:
    """Return lines of at most `characters` half-width columns; Chinese may break anywhere."""
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
    """Return words with the blank before them, and each Chinese character on its own."""
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
