"""Sign-in code sheet as PDF: A4, ten a page, to be cut and handed out one by one."""

from datetime import timedelta
from urllib.parse import quote

from fpdf import FPDF

from survey.access.sign_in_codes import PrintedSignInCode, SignInCodeSheet
from survey.locale import Translator, translator
from survey.publish.printing import PALE, draw_code, register_font, truncate_to_width, watermark
from survey.store.china_time import CHINA

COLUMNS, ROWS = 2, 5
CODES_PER_PAGE = COLUMNS * ROWS
MARGIN, TOP = 8.0, 26.0
CELL_WIDTH, CELL_HEIGHT = 97.0, 51.0
CODE_SIZE = 34.0
_GREY = 110


def sign_in_sheet_pdf(sheet: SignInCodeSheet, *, origin: str, language: str) -> bytes:
    """Return the printed sheet; `origin` is the address of the server, without a slash.

    The QR code opens the sign-in page with the login filled in; the code itself is typed, so that
    it stands in no address and no log.
    """
    t = translator(language)
    pdf = FPDF(format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_title(t("Sign-in codes"))
    face = register_font(pdf)
    for first in range(0, len(sheet.people), CODES_PER_PAGE):
        pdf.add_page()
        if sheet.is_demo:
            watermark(pdf, face, t)
        _head(pdf, face, t, sheet)
        for place, person in enumerate(sheet.people[first : first + CODES_PER_PAGE]):
            _cell(pdf, face, t, person, place, origin)
    return bytes(pdf.output())


def _head(pdf: FPDF, face: str, t: Translator, sheet: SignInCodeSheet) -> None:
    last = (sheet.expires_at - timedelta(minutes=1)).astimezone(CHINA)
    pdf.set_text_color(0)
    pdf.set_font(face, size=12)
    pdf.text(MARGIN + 2, 11, t("Sign-in codes"))
    pdf.set_text_color(_GREY)
    pdf.set_font(face, size=9)
    pdf.text(
        MARGIN + 2, 18,
        t(
            "Each code signs one person in once, until {time}. Hand it to that person only.",
            time=f"{last:%Y-%m-%d %H:%M}",
        ),
    )  # fmt: skip


def _cell(
    pdf: FPDF, face: str, t: Translator, person: PrintedSignInCode, place: int, origin: str
) -> None:
    row, column = divmod(place, COLUMNS)
    left, top = MARGIN + column * CELL_WIDTH, TOP + row * CELL_HEIGHT
    pdf.set_draw_color(PALE)
    pdf.rect(left, top, CELL_WIDTH, CELL_HEIGHT)
    address = f"{origin}/auth/code?login={quote(person.login, safe='')}"
    draw_code(pdf, address, left + 3, top + 3, CODE_SIZE)
    beside, room = left + CODE_SIZE + 5, CELL_WIDTH - CODE_SIZE - 7
    lines = (
        (11, 10, 0, person.name),
        (18, 9, _GREY, t("Login: {login}", login=person.login)),
        (27, 15, 0, person.code),
    )
    for down, size, shade, words in lines:
        pdf.set_text_color(shade)
        pdf.set_font(face, size=size)
        pdf.text(beside, top + down, truncate_to_width(pdf, words, room))
    pdf.set_text_color(_GREY)
    pdf.set_font(face, size=7)
    shown = f"{origin.partition('://')[2]}/auth/code"
    pdf.text(left + 4, top + CODE_SIZE + 8, truncate_to_width(pdf, shown, CELL_WIDTH - 8))
    pdf.text(
        left + 4, top + CODE_SIZE + 12,
        truncate_to_width(pdf, t("Scan, then type the code. It works once."), CELL_WIDTH - 8),
    )  # fmt: skip
