"""Chart as a file to print: PNG, SVG or PDF, 16 cm wide, with glyphs as outlines."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.ttLib import TTFont
from lxml import etree

from survey.figures.chart_drawings import (
    INK,
    QUIET_INK,
    draw_chart,
    measure_drawing,
    set_drawing,
    specify_chart,
)
from survey.figures.charts.marks import wrap_text
from survey.figures.drawing import chart_family
from survey.figures.typeface import FONT_FILE
from survey.figures.views.chart_panels import ChartPanel

SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_ANCHORS = {"middle": 0.5, "end": 1.0}
_FALLBACK = "?"


class _Typeface:
    """Glyphs of the typeface of charts, with their widths."""

    def __init__(self, file: str) -> None:
        # A collection (.ttc) has several faces; a single file ignores the number.
        font = TTFont(file, fontNumber=0, lazy=True)
        self._glyphs, self._names = font.getGlyphSet(), font.getBestCmap()
        self.units: float = font["head"].unitsPerEm

    def name_glyph(self, character: str) -> str:
        return str(self._names.get(ord(character)) or self._names[ord(_FALLBACK)])

    def measure(self, text: str) -> float:
        """Return the width of a text in units of the typeface."""
        return sum(float(self._glyphs[self.name_glyph(each)].width) for each in text)

    def draw(self, name: str) -> str:
        pen = SVGPathPen(self._glyphs, ntos=lambda value: str(round(value)))
        self._glyphs[name].draw(pen)
        return str(pen.getCommands())


@lru_cache(maxsize=1)
def _open_typeface() -> _Typeface:
    return _Typeface(str(FONT_FILE))


def outline_texts(drawing: etree._Element) -> None:
    """Replace every text of an SVG by the outlines of its letters, in place."""
    face = _open_typeface()
    glyphs: dict[str, str] = {}
    for text in list(drawing.iter(f"{SVG}text")):
        _replace_text(text, face, glyphs)
    shapes = etree.Element(f"{SVG}defs")
    for name, identity in glyphs.items():
        etree.SubElement(shapes, f"{SVG}path", id=identity, d=face.draw(name))
    drawing.insert(0, shapes)


def _replace_text(text: etree._Element, face: _Typeface, glyphs: dict[str, str]) -> None:
    """Replace one text of an SVG by its glyphs, line by line; add the glyphs used to `glyphs`."""
    size = float(text.get("font-size", "12px").removesuffix("px"))
    anchor = _ANCHORS.get(text.get("text-anchor", "start"), 0.0)
    kept = {
        name: value
        for name in ("transform", "fill", "opacity", "fill-opacity", "display")
        if (value := text.get(name)) is not None
    }
    group, top = etree.Element(f"{SVG}g", kept), float(text.get("y", "0"))
    scale = size / face.units
    for line in text.findall(f"{SVG}tspan") or [text]:
        words = line.text or ""
        top += float(line.get("dy", "0"))
        left = float(line.get("x", "0")) / scale - anchor * face.measure(words)
        drawn = etree.SubElement(
            group, f"{SVG}g", transform=f"translate(0,{top:g}) scale({scale:.6g},{-scale:.6g})"
        )
        for character in words:
            name = face.name_glyph(character)
            if not character.isspace():
                identity = glyphs.setdefault(name, f"glyph-{len(glyphs)}")
                etree.SubElement(drawn, f"{SVG}use", {_LINK: f"#{identity}", "x": f"{left:.0f}"})
            left += face.measure(character)
    parent = text.getparent()
    if parent is not None:
        parent.replace(text, group)


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
    """Lines printed with a chart besides title and subtitle: demonstration mark and notes."""

    mark: str = ""
    """Says that the figures are generated; stands under the title."""
    notes: tuple[str, ...] = ()
    """Notes and source, below the chart."""
    language: str = "zh"


def chart_file(panel: ChartPanel, form: ChartFormat, imprint: ChartImprint) -> bytes:
    """Return a chart with the lines of `imprint` as PNG, SVG or PDF; the same bytes each time."""
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
    """Return a printed chart's Vega-Lite specification; `mark` (demo data) joins its subtitle."""
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
    return {**specify_chart(panel, width=PRINT_WIDTH), **fit, "title": title}


def _wrap_to_page(text: str, size: float) -> list[str]:
    """Break a text into lines that fit the printed width; a Chinese character takes two columns."""
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
    """Add `lines` of text below the chart of an SVG, in place, and make the SVG taller by them."""
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
