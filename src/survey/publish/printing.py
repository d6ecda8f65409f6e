"""Parts of printed sheets of codes: typeface, mark of demo data, QR codes, fitted text."""

from collections.abc import Iterator, Sequence

import segno
from fpdf import FPDF

from survey.locale import Translator
from survey.publish.fonts import chinese_font

QUIET = 4
"""Empty modules around a code, as its standard asks."""
PALE = 228
_FACE, _FALLBACK = "sheet", "helvetica"


def register_font(pdf: FPDF) -> str:
    """Make the Chinese typeface known to the document, and return its name there."""
    file = chinese_font().file
    if file is None:
        return _FALLBACK
    pdf.add_font(_FACE, fname=str(file))
    return _FACE


def watermark(pdf: FPDF, face: str, t: Translator) -> None:
    """Print across the page that this is demo data."""
    pdf.set_font(face, size=64)
    pdf.set_text_color(PALE)
    words = t("Demo data")
    with pdf.rotation(45, x=pdf.w / 2, y=pdf.h / 2):
        pdf.text(pdf.w / 2 - pdf.get_string_width(words) / 2, pdf.h / 2, words)


def qr_modules(address: str) -> list[list[bool]]:
    """Return the dark modules of the QR code, row by row, without its quiet zone."""
    return [[bool(module) for module in row] for row in segno.make(address, error="m").matrix]


def dark_runs(rows: Sequence[Sequence[bool]]) -> Iterator[tuple[int, int, int]]:
    """Yield row, first column and length of each run of dark modules."""
    for y, row in enumerate(rows):
        start = None
        for x, dark in enumerate([*row, False]):
            if dark and start is None:
                start = x
            elif not dark and start is not None:
                yield y, start, x - start
                start = None


def truncate_to_width(pdf: FPDF, words: str, width: float) -> str:
    """Return `words`, cut where they would leave the line."""
    if pdf.get_string_width(words) <= width:
        return words
    while words and pdf.get_string_width(f"{words}…") > width:
        words = words[:-1]
    return f"{words}…"


def draw_code(pdf: FPDF, address: str, left: float, top: float, size: float) -> None:
    """Draw a QR code as vector squares; `size` in millimetres includes its quiet zone."""
    rows = qr_modules(address)
    module = size / (len(rows) + 2 * QUIET)
    pdf.set_fill_color(255)
    pdf.rect(left, top, size, size, style="F")
    pdf.set_fill_color(0)
    for y, x, length in dark_runs(rows):
        pdf.rect(
            left + (x + QUIET) * module, top + (y + QUIET) * module, length * module, module, "F"
        )


def draw_centred(pdf: FPDF, words: str, left: float, baseline: float, width: float) -> None:
    """Draw text in the middle of a cell of that width."""
    pdf.text(left + (width - pdf.get_string_width(words)) / 2, baseline, words)
