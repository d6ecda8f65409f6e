"""Pictures of the charts of a report: vectors, and 300 dots per inch for Word and slides."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from survey.publish.chart_drawings import (
    Drawing,
    draw_chart,
    is_drawn_beside,
    set_drawing,
    specify_chart,
)
from survey.publish.charts import ChartKind
from survey.publish.reports.contents import ReportChart, Section
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


class ReportPictures:
    """Drawings of the charts of one report, without titles and without hidden rows.

    Where another process draws, a chart is begun when its section is there, and is ready when the
    other sections are; elsewhere it is drawn when it is asked for. The drawings are the same.
    """

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="report charts")
        self._begun: dict[int, Future[Drawing]] = {}

    def begin(self, section: Section) -> None:
        """Begin the charts of a section, and return at once."""
        if not is_drawn_beside():
            return
        for block in section.blocks:
            if isinstance(block, ReportChart):
                drawing = self._executor.submit(draw_chart, _specify(block.panel))
                self._begun[id(block.panel)] = drawing

    def draw_svg(self, panel: ChartPanel) -> Drawing:
        """Draw a chart as vectors."""
        begun = self._begun.get(id(panel))
        return draw_chart(_specify(panel)) if begun is None else begun.result()

    def draw_png(self, panel: ChartPanel) -> Picture:
        """Draw a chart at print resolution."""
        drawing = self.draw_svg(panel)
        width, height = drawing.width / _POINTS_PER_INCH, drawing.height / _POINTS_PER_INCH
        return Picture(set_drawing(drawing, "png"), width, height)

    def close(self) -> None:
        """Give up what was begun and is not drawn yet."""
        self._executor.shutdown(wait=False, cancel_futures=True)


@contextmanager
def report_pictures() -> Iterator[ReportPictures]:
    """Draw the charts of one report, and give up the others at the end."""
    pictures = ReportPictures()
    try:
        yield pictures
    finally:
        pictures.close()


def _specify(panel: ChartPanel) -> dict[str, object]:
    return specify_chart(panel, panel.drawn, width=_WIDTHS.get(panel.kind, _USUAL_WIDTH))
