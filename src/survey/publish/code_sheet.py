"""Invitation sheet with one-time codes as PDF: A4, twenty a page, to be cut or shown."""

from datetime import timedelta

from fpdf import FPDF

from survey.fieldwork.invitation_sheets import (
    INVITATIONS_PER_PAGE,
    InvitationSheet,
    PrintedInvitation,
)
from survey.instrument.model import label_text
from survey.locale import Translator, translator
from survey.publish.printing import (
    PALE,
    draw_centred,
    draw_code,
    register_font,
    truncate_to_width,
    watermark,
)
from survey.store.china_time import CHINA

COLUMNS = 4
MARGIN, TOP = 8.0, 26.0
CELL_WIDTH, CELL_HEIGHT = 48.5, 51.0
CODE_SIZE = 32.0
"""Millimetres, with the quiet zone: readable at arm's length and from a photocopy."""
_GREY = 110


def code_sheet_pdf(sheet: InvitationSheet, *, origin: str, language: str) -> bytes:
    """Return the printed sheet; `origin` is the address of the server, without a slash."""
    t = translator(language)
    pdf = FPDF(format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_title(t("One-time codes, sheet {name}", name=sheet.name))
    face = register_font(pdf)
    pages = [
        sheet.codes[first : first + INVITATIONS_PER_PAGE]
        for first in range(0, len(sheet.codes), INVITATIONS_PER_PAGE)
    ]
    for number, codes in enumerate(pages, start=1):
        pdf.add_page()
        if sheet.is_demo:
            watermark(pdf, face, t)
        _head(pdf, face, t, sheet, language, f"{number} / {len(pages)}")
        for place, code in enumerate(codes):
            _cell(pdf, face, t, sheet, code, place, origin)
    return bytes(pdf.output())


def _head(
    pdf: FPDF, face: str, t: Translator, sheet: InvitationSheet, language: str, page: str
) -> None:
    last = (sheet.expires_at - timedelta(minutes=1)).astimezone(CHINA)
    place = f"{label_text(sheet.city_name, language, '')} · {sheet.point_name}"
    pdf.set_text_color(0)
    pdf.set_font(face, size=12)
    pdf.text(
        MARGIN + 2, 11, truncate_to_width(pdf, label_text(sheet.wave_title, language, ""), 150)
    )
    pdf.set_font(face, size=9)
    pdf.text(MARGIN + 2, 17, truncate_to_width(pdf, f"{place} · {sheet.surveyor_name}", 190))
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


def _cell(
    pdf: FPDF,
    face: str,
    t: Translator,
    sheet: InvitationSheet,
    code: PrintedInvitation,
    place: int,
    origin: str,
) -> None:
    row, column = divmod(place, COLUMNS)
    left, top = MARGIN + column * CELL_WIDTH, TOP + row * CELL_HEIGHT
    pdf.set_draw_color(PALE)
    pdf.rect(left, top, CELL_WIDTH, CELL_HEIGHT)
    address = f"{origin}/q/{code.token}"
    draw_code(pdf, address, left + (CELL_WIDTH - CODE_SIZE) / 2, top + 1.5, CODE_SIZE)
    pdf.set_text_color(0)
    pdf.set_font(face, size=9)
    draw_centred(pdf, f"{sheet.name}-{code.serial:02d}", left, top + CODE_SIZE + 5, CELL_WIDTH)
    pdf.set_font(face, size=6.5)
    shown = address.partition("://")[2]
    place_name, _, token = shown.partition("/q/")
    draw_centred(
        pdf,
        f"{truncate_to_width(pdf, place_name, CELL_WIDTH - 8)}/q/",
        left,
        top + CODE_SIZE + 9,
        CELL_WIDTH,
    )
    draw_centred(pdf, token, left, top + CODE_SIZE + 12, CELL_WIDTH)
    pdf.set_text_color(_GREY)
    # Codes are cut apart, and each must say what it is.
    demo = t("Demo data")
    below = f"{sheet.point_name} · {demo}" if sheet.is_demo else sheet.point_name
    draw_centred(
        pdf, truncate_to_width(pdf, below, CELL_WIDTH - 4), left, top + CODE_SIZE + 15.5, CELL_WIDTH
    )
