"""Chart as a file to print: PNG, SVG or PDF, 16 cm wide, with title, notes and source inside."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from lxml import etree

from survey.publish.chart_drawings import (
    INK,
    QUIET_INK,
    draw_chart,
    measure_drawing,
    set_drawing,
    specify_chart,
)
from survey.publish.chart_engine import chart_family
from survey.publish.charts.style import wrap_text
from survey.publish.glyph_outlines import SVG, outline_texts
from survey.publish.views.chart_panels import ChartPanel

_CENTIMETRES = 16.0
_PIXELS_PER_CENTIMETRE = 96 / 2.54
PRINT_WIDTH: Final = round(_CENTIMETRES * _PIXELS_PER_CENTIMETRE)
"""Width in pixels of CSS, of which 96 are an inch."""
_PADDING = 12
_TITLE_SIZE, _LINE_SIZE, _NOTE_SIZE = 16, 12, 10
_NOTE_LEADING, _NOTE_GAP = 14, 8


class ChartFormat(StrEnum):
    """Format of the file of a chart."""

    PNG = "png"
    """300 dots per inch."""
    SVG = "svg"
    """Vectors for a layout program; its letters are outlines."""
    PDF = "pdf"
    """Vectors with the typeface embedded; its text can be searched."""


@dataclass(frozen=True)
class ChartImprint:
    """Lines of a printed chart besides its title and its subtitle."""

    mark: str = ""
    """Says that the figures are generated; stands under the title."""
    notes: tuple[str, ...] = ()
    """Notes and source, below the chart."""
    language: str = "zh"


def chart_file(panel: ChartPanel, form: ChartFormat, imprint: ChartImprint) -> bytes:
    """Return the chart as a file; the same chart gives the same bytes."""
    svg = _print_svg(panel, imprint, outlined=form is ChartFormat.SVG)
    if form is ChartFormat.SVG:
        return svg
    drawing = measure_drawing(svg.decode())
    return set_drawing(
        drawing,
        "pdf" if form is ChartFormat.PDF else "png",
        title=panel.title,
        alt=panel.alt,
        language=imprint.language,
    )


def specify_print(panel: ChartPanel, mark: str = "") -> dict[str, Any]:
    """Return the specification of a printed chart with its title, without hidden rows."""
    family = chart_family()
    lines = [line for text in (panel.subtitle, mark) for line in _wrap_to_page(text, _LINE_SIZE)]
    title = {
        "text": _wrap_to_page(panel.title, _TITLE_SIZE),
        "subtitle": lines,
        "anchor": "start",
        "frame": "bounds",
        # There is one weight of the typeface.
        "fontWeight": "normal",
        "fontSize": _TITLE_SIZE,
        "subtitleFontSize": _LINE_SIZE,
        "subtitleColor": QUIET_INK,
        "subtitlePadding": 6,
        "offset": 12,
        "font": family,
        "subtitleFont": family,
        "color": INK,
    }
    fit = {"autosize": {"type": "fit-x", "contains": "padding"}, "padding": _PADDING}
    return {**specify_chart(panel, panel.drawn, width=PRINT_WIDTH), **fit, "title": title}


def _wrap_to_page(text: str, size: float) -> list[str]:
    """Return lines that fit between the margins; a Chinese character is two columns wide."""
    columns = int((PRINT_WIDTH - 2 * _PADDING) / (size * 0.56))
    return list(wrap_text(text, columns))


def _print_svg(panel: ChartPanel, imprint: ChartImprint, *, outlined: bool) -> bytes:
    drawing = etree.fromstring(draw_chart(specify_print(panel, imprint.mark)).svg.encode())
    _append_notes(
        drawing, [line for text in imprint.notes for line in _wrap_to_page(text, _NOTE_SIZE)]
    )
    if outlined:
        outline_texts(drawing)
    drawing.set("role", "img")
    for place, (name, text) in enumerate((("title", panel.title), ("desc", panel.alt))):
        element = etree.Element(f"{SVG}{name}")
        element.text = text
        drawing.insert(place, element)
    return bytes(etree.tostring(drawing))


def _append_notes(drawing: etree._Element, lines: Sequence[str]) -> None:
    """Write lines below the chart, on paper that is longer by their height."""
    if not lines:
        return
    top = float(drawing.get("height", "0")) + _NOTE_GAP
    width, height = drawing.get("width", "0"), top + _NOTE_LEADING * len(lines)
    drawing.set("height", f"{height:g}")
    drawing.set("viewBox", f"0 0 {width} {height:g}")
    paper = drawing.find(f"{SVG}rect")
    if paper is not None:
        paper.set("height", f"{height:g}")
    for place, line in enumerate(lines):
        text = etree.SubElement(
            drawing,
            f"{SVG}text",
            {
                "transform": f"translate({_PADDING},{top + _NOTE_LEADING * place:g})",
                "font-family": chart_family(),
                "font-size": f"{_NOTE_SIZE}px",
                "fill": QUIET_INK,
            },
        )
        text.text = line
