"""PNG pictures of charts and cards for sharing, many in one run of the typesetter."""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import typst
from PIL import Image

from survey.figures.drawing import read_fonts
from survey.figures.typeface import FONT_FAMILY

CARD_SIZE = (1200, 630)
"""Pixels of a card, as pages that show links expect them."""
_CARDS = Path(__file__).parent / "templates" / "cards.typ"
_CHARTS = """
#set page(width: {width}pt, height: auto, margin: {margin}pt)
#for svg in json(bytes(sys.inputs.svgs)) {{
  page(image(bytes(svg), format: "svg", width: {inner}pt))
}}
"""
_CHART_WIDTH, _CHART_MARGIN = 752, 16
_POINTS_PER_INCH = 72.0
_CHART_DPI = 108.0
"""One and a half pixels a point: sharp at half a page, and few bytes."""
_INKS = (((28, 27, 26), 6), ((92, 89, 85), 5), ((155, 28, 28), 6), ((216, 212, 206), 2))
"""Colours of texts, notes, figures and lines, and in how many steps each fades into the paper."""
_BATCH = 25
"""Pictures a run: the typesetter holds all pages of one in memory."""


@dataclass(frozen=True)
class CardScale:
    """Interval and value of a card on a line from 0 to 1, and what the line's ends stand for."""

    low: float
    high: float
    at: float
    start: str
    end: str
    nation: float | None = None
    nation_text: str = ""


@dataclass(frozen=True)
class Card:
    """What a card shows: a place, its figure with the interval in words, and both on a line."""

    name: str
    value: str
    answer: str
    scale: CardScale | None = None


@dataclass(frozen=True)
class CardTexts:
    """What all cards of a release say: title and wave, source, and the mark of a demonstration."""

    title: str
    source: str
    mark: str
    language: str


def draw_charts(svgs: Sequence[str]) -> Iterator[bytes]:
    """Yield charts as PNG in the order of their drawings; the same drawing gives the same bytes."""
    template = _CHARTS.format(
        width=_CHART_WIDTH, margin=_CHART_MARGIN, inner=_CHART_WIDTH - 2 * _CHART_MARGIN
    )
    for start in range(0, len(svgs), _BATCH):
        batch = svgs[start : start + _BATCH]
        yield from _draw_pages(template.encode(), "svgs", batch, _CHART_DPI)


def draw_cards(cards: Sequence[Card], texts: CardTexts) -> Iterator[bytes]:
    """Yield cards as PNG of `CARD_SIZE`, in their order."""
    template = _CARDS.read_bytes()
    for start in range(0, len(cards), _BATCH):
        batch = [asdict(card) for card in cards[start : start + _BATCH]]
        data = {**asdict(texts), "font": FONT_FAMILY, "cards": batch}
        yield from _draw_pages(template, "data", data, _POINTS_PER_INCH)


def _draw_pages(template: bytes, name: str, data: object, dpi: float) -> Iterator[bytes]:
    """Yield the pages of a template, filled with `data`, as pictures of few colours."""
    pages = typst.compile(
        template,
        font_paths=read_fonts(),
        sys_inputs={name: json.dumps(data, ensure_ascii=False)},
        format="png",
        ppi=dpi,
    )
    for page in [pages] if isinstance(pages, bytes) else pages:
        with Image.open(io.BytesIO(page)) as picture:
            packed = picture.convert("RGB").quantize(
                palette=_build_palette(), dither=Image.Dither.NONE
            )
        buffer = io.BytesIO()
        packed.save(buffer, "PNG", bits=4, compress_level=4)
        yield buffer.getvalue()


@lru_cache(maxsize=1)
def _build_palette() -> Image.Image:
    """Return the sixteen colours of charts and cards: each ink in steps to the white paper."""
    colours = {
        tuple(round(255 + (part - 255) * step / (steps - 1)) for part in ink)
        for ink, steps in _INKS
        for step in range(steps)
    }
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in sorted(colours) for part in colour])
    return palette
