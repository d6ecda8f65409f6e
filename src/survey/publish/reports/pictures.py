"""Pictures of the charts of a report: vectors, and 300 dots per inch for Word and slides."""

from dataclasses import dataclass

from survey.publish.chart_drawings import Drawing, draw_chart, set_drawing, specify_chart
from survey.publish.charts import ChartKind
from survey.publish.views.chart_panels import ChartPanel

_WIDTHS = {ChartKind.MATRIX: 520.0, ChartKind.TREND: 470.0, ChartKind.PEERS: 500.0}
_USUAL_WIDTH = 380.0
"""Width of the drawing in pixels; labels stand beside it."""
_POINTS_PER_INCH = 72.0


@dataclass(frozen=True)
class Picture:
    """Chart as PNG, with its size in inches."""

    content: bytes
    width: float
    height: float


def draw_svg(panel: ChartPanel) -> Drawing:
    """Draw a chart as vectors, without title and without hidden rows."""
    width = _WIDTHS.get(panel.kind, _USUAL_WIDTH)
    return draw_chart(specify_chart(panel, panel.drawn, width=width))


def draw_png(panel: ChartPanel) -> Picture:
    """Draw a chart at print resolution."""
    drawing = draw_svg(panel)
    width, height = drawing.width / _POINTS_PER_INCH, drawing.height / _POINTS_PER_INCH
    return Picture(set_drawing(drawing, "png"), width, height)
