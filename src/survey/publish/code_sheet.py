"""A sheet of one-time codes as PDF: A4, twenty a page, to be cut or shown."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import segno
from fpdf import FPDF

from survey.fieldwork.clock import CHINA
from survey.fieldwork.sheets import PER_PAGE, PrintedCode, Sheet
from survey.locale import Translator, translator
from survey.publish.fonts import chinese_font

COLUMNS = 4
MARGIN, TOP = 8.0, 26.0
CELL_WIDTH, CELL_HEIGHT = 48.5, 51.0
CODE_SIZE = 32.0
"""Millimetres, with the quiet zone: readable at arm's length and from a photocopy."""
QUIET = 4
"""Empty modules around a code, as its standard asks."""
_FACE, _FALLBACK = "sheet", "helvetica"
_GREY, _PALE = 110, 228


def code_sheet_pdf(sheet: Sheet, *, origin: str, language: str) -> bytes:
    """The printed sheet; `origin` is where respondents reach the server, without a slash."""
    t = translator(language)
    pdf = FPDF(format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_title(t("One-time codes, sheet {name}", name=sheet.name))
    face = _add_face(pdf)
    pages = [
        sheet.codes[first : first + PER_PAGE] for first in range(0, len(sheet.codes), PER_PAGE)
    ]
    for number, codes in enumerate(pages, start=1):
        pdf.add_page()
        if sheet.is_demo:
            _watermark(pdf, face, t)
        _head(pdf, face, t, sheet, language, f"{number} / {len(pages)}")
        for place, code in enumerate(codes):
            _cell(pdf, face, t, sheet, code, place, origin)
    return bytes(pdf.output())


def code_rows(address: str) -> list[list[bool]]:
    """The dark modules of the QR code, row by row, without its quiet zone."""
    return [[bool(module) for module in row] for row in segno.make(address, error="m").matrix]


def dark_runs(rows: Sequence[Sequence[bool]]) -> Iterator[tuple[int, int, int]]:
    """Row, first column and length of each run of dark modules."""
    for y, row in enumerate(rows):
        start = None
        for x, dark in enumerate([*row, False]):
            if dark and start is None:
                start = x
            elif not dark and start is not None:
                yield y, start, x - start
                start = None


def _add_face(pdf: FPDF) -> str:
    file = chinese_font().file
    if file is None:
        return _FALLBACK
    pdf.add_font(_FACE, fname=str(file))
    return _FACE


def _watermark(pdf: FPDF, face: str, t: Translator) -> None:
    pdf.set_font(face, size=64)
    pdf.set_text_color(_PALE)
    words = t("Demo data")
    with pdf.rotation(45, x=pdf.w / 2, y=pdf.h / 2):
        pdf.text(pdf.w / 2 - pdf.get_string_width(words) / 2, pdf.h / 2, words)


def _head(pdf: FPDF, face: str, t: Translator, sheet: Sheet, language: str, page: str) -> None:
    last = (sheet.expires_at - timedelta(minutes=1)).astimezone(CHINA)
    place = f"{sheet.city_name.get(language, '')} · {sheet.point_name}"
    pdf.set_text_color(0)
    pdf.set_font(face, size=12)
    pdf.text(MARGIN + 2, 11, _fitting(pdf, sheet.wave_title.get(language, ""), 150))
    pdf.set_font(face, size=9)
    pdf.text(MARGIN + 2, 17, _fitting(pdf, f"{place} · {sheet.surveyor_name}", 190))
    pdf.set_text_color(_GREY)
    pdf.text(
        MARGIN + 2, 22,
        t(
            "Each code works once, on one phone, until {time}. Cross out what you handed out.",
            time=f"{last:%Y-%m-%d %H:%M}",
        ),
    )  # fmt: skip
    mark = f"{sheet.name} · {page}"
    pdf.text(pdf.w - MARGIN - 2 - pdf.get_string_width(mark), 11, mark)


def _fitting(pdf: FPDF, words: str, width: float) -> str:
    """`words`, cut where they would leave the line."""
    if pdf.get_string_width(words) <= width:
        return words
    while words and pdf.get_string_width(f"{words}…") > width:
        words = words[:-1]
    return f"{words}…"


def _cell(
    pdf: FPDF, face: str, t: Translator, sheet: Sheet, code: PrintedCode, place: int, origin: str
) -> None:
    row, column = divmod(place, COLUMNS)
    left, top = MARGIN + column * CELL_WIDTH, TOP + row * CELL_HEIGHT
    pdf.set_draw_color(_PALE)
    pdf.rect(left, top, CELL_WIDTH, CELL_HEIGHT)
    address = f"{origin}/q/{code.token}"
    _code(pdf, address, left + (CELL_WIDTH - CODE_SIZE) / 2, top + 1.5)
    pdf.set_text_color(0)
    pdf.set_font(face, size=9)
    _centred(pdf, f"{sheet.name}-{code.serial:02d}", left, top + CODE_SIZE + 5)
    pdf.set_font(face, size=6.5)
    shown = address.partition("://")[2]
    place_name, _, token = shown.partition("/q/")
    _centred(pdf, f"{_fitting(pdf, place_name, CELL_WIDTH - 8)}/q/", left, top + CODE_SIZE + 9)
    _centred(pdf, token, left, top + CODE_SIZE + 12)
    pdf.set_text_color(_GREY)
    # Codes are cut apart, and each must say what it is.
    demo = t("Demo data")
    below = f"{sheet.point_name} · {demo}" if sheet.is_demo else sheet.point_name
    _centred(pdf, _fitting(pdf, below, CELL_WIDTH - 4), left, top + CODE_SIZE + 15.5)


def _code(pdf: FPDF, address: str, left: float, top: float) -> None:
    rows = code_rows(address)
    module = CODE_SIZE / (len(rows) + 2 * QUIET)
    pdf.set_fill_color(255)
    pdf.rect(left, top, CODE_SIZE, CODE_SIZE, style="F")
    pdf.set_fill_color(0)
    for y, x, length in dark_runs(rows):
        pdf.rect(
            left + (x + QUIET) * module, top + (y + QUIET) * module, length * module, module, "F"
        )


def _centred(pdf: FPDF, words: str, left: float, baseline: float) -> None:
    pdf.text(left + (CELL_WIDTH - pdf.get_string_width(words)) / 2, baseline, words)
