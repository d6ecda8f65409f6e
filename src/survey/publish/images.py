"""A picture as PNG: the same specification, with its title, its words and its data inside."""

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pandas as pd
import vl_convert

from survey.publish.charts import ORDINARY, spec_of
from survey.publish.fonts import chinese_font
from survey.publish.picture import Picture

_WIDTH = 860
_CHARACTERS = 118
_INK, _QUIET = "#1C1B1A", "#5F5C58"


@lru_cache(maxsize=1)
def _family() -> str:
    """The family for every text, registered with the renderer on first use."""
    font = chinese_font()
    if font.source == "package" and font.file is not None:
        vl_convert.register_font_directory(str(font.file.parent))
    return f"{font.family}, sans-serif" if font.family else "sans-serif"


def png(picture: Picture, footnotes: tuple[str, ...] = (), scale: float = 2.0) -> bytes:
    """Render `picture`; `footnotes` (watermark, honesty sentence) stand under the title."""
    return bytes(vl_convert.vegalite_to_png(printable(picture, footnotes), scale=scale))


def printable(picture: Picture, footnotes: tuple[str, ...] = ()) -> dict[str, Any]:
    """The complete specification of the exported picture, on white paper."""
    spec = spec_of(picture.kind, picture.text, ORDINARY)
    family = _family()
    lines = [line for text in (picture.subtitle, *footnotes) if text for line in wrapped(text)]
    title = {
        "text": list(wrapped(picture.title, _CHARACTERS * 2 // 3)),
        "subtitle": lines,
        "anchor": "start",
        "frame": "group",
        "fontSize": 18,
        "subtitleFontSize": 12,
        "subtitleColor": _QUIET,
        "subtitlePadding": 6,
        "offset": 14,
        "font": family,
        "subtitleFont": family,
        "color": _INK,
    }
    config = dict(spec["config"])
    config["axis"] = {**config["axis"], "labelColor": _INK, "titleColor": _QUIET}
    config["font"] = family
    return {
        **spec,
        "width": _WIDTH,
        "title": title,
        "data": {"values": _records(picture.data)},
        "config": config,
        "background": "white",
        "padding": 20,
    }


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    plain = frame.astype(object)
    return [dict(row) for row in plain.where(plain.notna(), None).to_dict("records")]


def wrapped(text: str, characters: int = _CHARACTERS) -> Iterator[str]:
    """Lines of at most `characters` half-width columns; Chinese may break anywhere."""
    line, width = "", 0
    for word in _pieces(text):
        size = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in word)
        if width + size > characters and line:
            yield line.rstrip()
            line, width = "", 0
            word = word.lstrip()
        line, width = line + word, width + size
    if line.strip():
        yield line.rstrip()


def _pieces(text: str) -> Iterator[str]:
    """Words with the blank before them; each Chinese character on its own."""
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
