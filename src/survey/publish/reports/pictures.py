"""Pictures of charts for print: vectors, and 300 dots per inch for Word and slides.

Typst rasterises three times as fast as the chart library, and its files are a quarter in size.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import typst
import vl_convert

from survey.publish.charts import ChartKind
from survey.publish.fonts import chinese_font
from survey.publish.png import untitled
from survey.publish.views.chart_panels import ChartPanel

_WIDTHS = {ChartKind.MATRIX: 520.0, ChartKind.TREND: 470.0, ChartKind.PEERS: 500.0}
_USUAL_WIDTH = 380.0
"""Width of the drawing in pixels; labels stand beside it."""
_DPI = 300.0
_POINTS_PER_INCH, _POINTS_PER_PIXEL = 72.0, 0.75
_PAGE = """
#set page(width: {width}pt, height: {height}pt, margin: 0pt)
#image(bytes(sys.inputs.svg), format: "svg", width: {width}pt)
"""


@dataclass(frozen=True)
class Drawing:
    """Chart as SVG, with its size in points."""

    svg: str
    width: float
    height: float


@dataclass(frozen=True)
class Picture:
    """Chart as PNG, with its size in inches."""

    content: bytes
    width: float
    height: float


def draw_svg(panel: ChartPanel) -> Drawing:
    """Draw a chart as vectors, without title and without hidden rows."""
    svg = str(vl_convert.vegalite_to_svg(_specify_picture(panel)))
    head = svg[: svg.index(">")]
    width, height = (
        float(head.partition(f' {name}="')[2].partition('"')[0]) * _POINTS_PER_PIXEL
        for name in ("width", "height")
    )
    return Drawing(svg, width, height)


def draw_png(panel: ChartPanel) -> Picture:
    """Draw a chart at print resolution."""
    drawing = draw_svg(panel)
    content: bytes = typst.compile(
        _PAGE.format(width=drawing.width, height=drawing.height).encode(),
        font_paths=read_fonts(),
        sys_inputs={"svg": drawing.svg},
        format="png",
        ppi=_DPI,
    )
    width, height = drawing.width / _POINTS_PER_INCH, drawing.height / _POINTS_PER_INCH
    return Picture(content, width, height)


@lru_cache(maxsize=1)
def read_fonts() -> typst.Fonts:
    """Return the typefaces: the one that the product installs, else those of the machine."""
    font = chinese_font()
    packaged = font.source == "package" and font.file is not None
    folders = [str(font.file.parent)] if packaged and font.file is not None else []
    return typst.Fonts(include_system_fonts=not packaged, font_paths=folders)


def _specify_picture(panel: ChartPanel) -> dict[str, Any]:
    return untitled(panel, panel.drawn, width=_WIDTHS.get(panel.kind, _USUAL_WIDTH))
