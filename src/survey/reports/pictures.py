"""Typography of reports, and pictures of their charts: vectors, or 300 dots per inch."""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from math import isnan

from survey.figures.chart_drawings import (
    Drawing,
    draw_chart,
    is_drawn_beside,
    set_drawing,
    specify_chart,
)
from survey.figures.charts import ChartKind
from survey.figures.views.chart_panels import ChartPanel
from survey.figures.views.estimate_text import Estimate, format_interval
from survey.locale import translator
from survey.locale.figures import MISSING, format_count, format_score
from survey.reports.contents import (
    Report,
    ReportChart,
    ReportPart,
    ReportPhoto,
    ReportSection,
    ReportTable,
)


def number_captions(report: Report) -> dict[int, str]:
    """Return (`id()` of block -> caption with number) of a report's tables and pictures."""
    t, captions = translator(report.language), {}
    tables = charts = annexed = 0
    for section in report.sections:
        for block in section.blocks:
            if isinstance(block, ReportTable):
                if section.part is ReportPart.ANNEX:
                    annexed += 1
                    words = {"number": annexed, "title": block.title}
                    captions[id(block)] = t("Annex table {number}  {title}", **words)
                    continue
                tables += 1
                captions[id(block)] = t("Table {number}  {title}", number=tables, title=block.title)
            elif isinstance(block, ReportChart | ReportPhoto):
                charts += 1
                title = block.title if isinstance(block, ReportPhoto) else block.panel.title
                captions[id(block)] = t("Figure {number}  {title}", number=charts, title=title)
    return captions


_NO_BREAK = "\u00a0"
_HAN = r"[\u3400-\u9fff]"
_NUMBER_AND_UNIT = re.compile(rf"(?<=\d) (?={_HAN}|points?\b|interviews?\b|cities\b)")
_HAN_THEN_LATIN = re.compile(rf"({_HAN})(?=[A-Za-z0-9±−+])")
_LATIN_THEN_HAN = re.compile(rf"([A-Za-z0-9%])(?={_HAN})")
_MINUS = re.compile(r"(?<![A-Za-z0-9–-])-(?=\d)")


def write_interval(low: float | None, high: float | None, language: str) -> str:
    """Format an interval such as `79.6 to 80.2`; a dash where an end is missing."""
    if low is None or high is None or isnan(low) or isnan(high):
        return MISSING
    return format_interval(low, high, translator(language))


def write_estimate(figure: Estimate, language: str) -> str:
    """Format a score with its interval, and n and design effect on a second line."""
    lines = [
        f"{format_score(figure.estimate)}  {write_interval(figure.low, figure.high, language)}"
    ]
    lines.append(f"n {format_count(figure.n)}")
    if figure.deff is not None:
        lines[-1] += f", deff {format_score(figure.deff)}"
    return "\n".join(lines)


def join_list(parts: Sequence[str], language: str, *, long: bool = False) -> str:
    """Join the parts of a list in a sentence, with semicolons if they are `long`, else commas."""
    if language == "zh":
        return ("；" if long else "、").join(parts)
    return ("; " if long else ", ").join(parts)


def set_text(text: str, language: str) -> str:
    """Return a sentence with the minus signs and spaces of print; numbers keep to their units."""
    text = _MINUS.sub("\u2212", text)
    if language == "zh":
        text = _HAN_THEN_LATIN.sub(r"\1 ", text)
        text = _LATIN_THEN_HAN.sub(r"\1 ", text)
    return _NUMBER_AND_UNIT.sub(_NO_BREAK, text)


_WIDTHS = {ChartKind.MATRIX: 520.0, ChartKind.TREND: 470.0, ChartKind.PEERS: 500.0}
_USUAL_WIDTH = 380.0
"""Width of the drawing in pixels; labels stand beside it."""
_LARGE_PART = 0.4
"""Part of the width that a chart has in large print, before it is enlarged with its letters."""
_MATRIX_HEIGHT = 310.0
"""Of the one chart that is as high as a screen: scaled down, its text would be under 8 points."""
_POINTS_PER_INCH = 72.0
PHOTO_DOTS_PER_INCH = 220.0
"""At which photos are printed: a small one is half as wide as a page."""


@dataclass(frozen=True)
class Picture:
    """Chart as PNG, with its size in inches."""

    content: bytes
    width: float
    height: float


class ReportPictures:
    """Drawings of one report's charts, made in the background if a process for charts runs.

    Where another process draws, a chart is begun when its section is there, and is ready when the
    other sections are; elsewhere it is drawn when it is asked for. The drawings are the same.
    """

    def __init__(self, *, is_large: bool = False) -> None:
        self._is_large = is_large
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="report charts")
        self._begun: dict[int, Future[Drawing]] = {}

    def begin(self, section: ReportSection) -> None:
        """Start to draw the charts of a section in the background, if a process for charts runs."""
        if not is_drawn_beside():
            return
        for block in section.blocks:
            if isinstance(block, ReportChart):
                drawing = self._executor.submit(draw_chart, self._specify(block.panel))
                self._begun[id(block.panel)] = drawing

    def draw_svg(self, panel: ChartPanel) -> Drawing:
        """Return the chart `panel` as SVG, waiting for a drawing that was begun."""
        begun = self._begun.get(id(panel))
        return draw_chart(self._specify(panel)) if begun is None else begun.result()

    def draw_png(self, panel: ChartPanel) -> Picture:
        """Return a chart as PNG of 300 dots per inch, with its size."""
        drawing = self.draw_svg(panel)
        width, height = drawing.width / _POINTS_PER_INCH, drawing.height / _POINTS_PER_INCH
        return Picture(set_drawing(drawing, "png"), width, height)

    def _specify(self, panel: ChartPanel) -> dict[str, object]:
        """Return the specification of a chart: narrower in large print, which enlarges it."""
        width = _WIDTHS.get(panel.kind, _USUAL_WIDTH) * (_LARGE_PART if self._is_large else 1.0)
        spec = specify_chart(panel, width=width)
        return {**spec, "height": _MATRIX_HEIGHT} if panel.kind is ChartKind.MATRIX else spec

    def close(self) -> None:
        """Cancel the drawings that were begun and are not drawn yet."""
        self._executor.shutdown(wait=False, cancel_futures=True)


@contextmanager
def report_pictures(*, is_large: bool = False) -> Iterator[ReportPictures]:
    """Yield the drawings of one report's charts; on leaving, cancel those that are not drawn."""
    pictures = ReportPictures(is_large=is_large)
    try:
        yield pictures
    finally:
        pictures.close()
