"""Pictures of charts for print: 300 dots per inch for Word and slides, vectors for PDF."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import vl_convert

from survey.publish.charts import ChartKind
from survey.publish.charts.marks import HIDDEN
from survey.publish.png import untitled
from survey.publish.views.chart_panels import ChartPanel

_WIDTHS = {ChartKind.MATRIX: 520.0, ChartKind.TREND: 470.0, ChartKind.PEERS: 500.0}
_USUAL_WIDTH = 380.0
"""Width of the drawing in points of the page; labels stand beside it."""
_CSS_DPI, _PRINT_DPI = 96.0, 300.0


@dataclass(frozen=True)
class Picture:
    """Picture of a chart in one format, with its size in inches."""

    content: bytes
    width: float
    height: float


def specify_picture(panel: ChartPanel) -> dict[str, Any]:
    """Return the specification of the chart without title and without hidden rows."""
    rows = panel.data
    if "role" in rows.columns:
        rows = rows[rows["role"] != HIDDEN].reset_index(drop=True)
    return untitled(panel, pd.DataFrame(rows), width=_WIDTHS.get(panel.kind, _USUAL_WIDTH))


def draw_png(panel: ChartPanel) -> Picture:
    """Draw a chart at print resolution."""
    scale = _PRINT_DPI / _CSS_DPI
    content = bytes(vl_convert.vegalite_to_png(specify_picture(panel), scale=scale, ppi=72))
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    return Picture(content, width / _PRINT_DPI, height / _PRINT_DPI)


def draw_svg(panel: ChartPanel) -> str:
    """Draw a chart as vectors."""
    return str(vl_convert.vegalite_to_svg(specify_picture(panel)))
