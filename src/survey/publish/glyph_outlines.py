"""Texts of an SVG as outlines of their glyphs, so that it looks the same on every machine.

Few programs that place an SVG in a document read a typeface that is embedded in it, so glyphs are
drawn as paths, each once.
"""

from functools import lru_cache

from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.ttLib import TTFont
from lxml import etree

from survey.publish.typeface import FONT_FILE

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
    """Replace every text of an SVG by outlines."""
    face = _open_typeface()
    glyphs: dict[str, str] = {}
    for text in list(drawing.iter(f"{SVG}text")):
        _replace_text(text, face, glyphs)
    shapes = etree.Element(f"{SVG}defs")
    for name, identity in glyphs.items():
        etree.SubElement(shapes, f"{SVG}path", id=identity, d=face.draw(name))
    drawing.insert(0, shapes)


def _replace_text(text: etree._Element, face: _Typeface, glyphs: dict[str, str]) -> None:
    """Put a group of glyphs in the place of a text, line by line."""
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
