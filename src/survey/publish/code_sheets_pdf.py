"""Sheets of printed codes as PDF, to be cut: invitations, sign-in codes and setup links."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar
from urllib.parse import quote

import segno
from fpdf import FPDF

from survey.access.account_batch import PrintedSetupLink, SetupLinkSheet
from survey.access.sign_in_codes import PrintedSignInCode, SignInCodeSheet
from survey.fieldwork.invitation_sheets import InvitationSheet, PrintedInvitation
from survey.instrument.model import label_text
from survey.locale import Translator, translator
from survey.publish.fonts import register_font
from survey.publish.paper_lines import truncate_to_width
from survey.store.china_time import format_china_minute

QUIET = 4
"""Empty modules around a code, as its standard asks."""
_BLACK, _GREY, _PALE = 0, 110, 228

Code = TypeVar("Code", PrintedInvitation, PrintedSignInCode, PrintedSetupLink)
CellCorner = tuple[float, float]
"""Left and top of a cell in millimetres."""


@dataclass(frozen=True)
class SheetLayout:
    """Grid of cells on a page of A4, in millimetres."""

    columns: int
    rows: int
    cell_width: float
    code_size: float
    """Size of the QR code with its quiet zone, readable at arm's length and from a photocopy."""
    cell_height: float = 51.0
    margin: float = 8.0
    top: float = 26.0

    @property
    def per_page(self) -> int:
        """Cells on a page."""
        return self.columns * self.rows

    def corner(self, index: int) -> CellCorner:
        """Return the upper left corner of a cell of the page, counted row by row."""
        row, column = divmod(index, self.columns)
        return self.margin + column * self.cell_width, self.top + row * self.cell_height


INVITATIONS = SheetLayout(columns=4, rows=5, cell_width=48.5, code_size=32.0)
SIGN_IN_CODES = SheetLayout(columns=2, rows=5, cell_width=97.0, code_size=34.0)


def invitation_sheet_pdf(sheet: InvitationSheet, *, origin: str, language: str) -> bytes:
    """Return the printed sheet; `origin` is the address of the server, without a slash."""
    t = translator(language)
    return _build_sheet_pdf(
        t("One-time codes, sheet {name}", name=sheet.name),
        sheet.codes,
        INVITATIONS,
        partial(_draw_invitation_head, t=t, sheet=sheet, language=language),
        partial(_draw_invitation, t=t, sheet=sheet, origin=origin),
        watermark=t("Demo data") if sheet.is_demo else "",
    )


def sign_in_sheet_pdf(sheet: SignInCodeSheet, *, origin: str, language: str) -> bytes:
    """Return the printed sheet; `origin` is the address of the server, without a slash.

    The QR code opens the sign-in page with the login filled in; the code itself is typed, so that
    it stands in no address and no log.
    """
    t = translator(language)
    return _build_sheet_pdf(
        t("Sign-in codes"),
        sheet.people,
        SIGN_IN_CODES,
        partial(_draw_sign_in_head, t=t, sheet=sheet),
        partial(_draw_sign_in_code, t=t, origin=origin),
        watermark=t("Demo data") if sheet.is_demo else "",
    )


def setup_link_sheet_pdf(sheet: SetupLinkSheet, *, origin: str, language: str) -> bytes:
    """Return the printed sheet; `origin` is the address of the server, without a slash.

    The QR code is the link itself: its holder has no other secret yet, and it works once.
    """
    t = translator(language)
    return _build_sheet_pdf(
        t("Setup links"),
        sheet.people,
        SIGN_IN_CODES,
        partial(_draw_setup_head, t=t, sheet=sheet),
        partial(_draw_setup_link, t=t, origin=origin),
        watermark="",
    )


def _build_sheet_pdf(
    title: str,
    codes: Sequence[Code],
    layout: SheetLayout,
    draw_head: Callable[[FPDF, str, str], None],
    draw_cell: Callable[[FPDF, str, Code, CellCorner], None],
    *,
    watermark: str,
) -> bytes:
    """Return a document with a page for every `layout.per_page` codes."""
    pdf = FPDF(format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_title(title)
    face = register_font(pdf)
    firsts = range(0, len(codes), layout.per_page)
    for number, first in enumerate(firsts, start=1):
        pdf.add_page()
        if watermark:
            _draw_watermark(pdf, face, watermark)
        draw_head(pdf, face, f"{number} / {len(firsts)}")
        for index, code in enumerate(codes[first : first + layout.per_page]):
            corner = layout.corner(index)
            pdf.set_draw_color(_PALE)
            pdf.rect(*corner, layout.cell_width, layout.cell_height)
            draw_cell(pdf, face, code, corner)
    return bytes(pdf.output())


def _draw_invitation_head(
    pdf: FPDF, face: str, page: str, *, t: Translator, sheet: InvitationSheet, language: str
) -> None:
    left = INVITATIONS.margin + 2
    place = f"{label_text(sheet.city_name, language, '')} · {sheet.point_name}"
    title = label_text(sheet.wave_title, language, "")
    pdf.set_text_color(_BLACK)
    pdf.set_font(face, size=12)
    pdf.text(left, 11, truncate_to_width(pdf, title, 150))
    pdf.set_font(face, size=9)
    pdf.text(left, 17, truncate_to_width(pdf, f"{place} · {sheet.surveyor_name}", 190))
    pdf.set_text_color(_GREY)
    pdf.text(
        left,
        22,
        t(
            "Each code works once, on one phone, until {time}. Cross out what you handed out.",
            time=_format_last_minute(t, sheet.expires_at),
        ),
    )
    mark = f"{sheet.name} · {page}"
    pdf.text(pdf.w - left - pdf.get_string_width(mark), 11, mark)


def _draw_invitation(
    pdf: FPDF,
    face: str,
    code: PrintedInvitation,
    corner: CellCorner,
    *,
    t: Translator,
    sheet: InvitationSheet,
    origin: str,
) -> None:
    (left, top), size, width = corner, INVITATIONS.code_size, INVITATIONS.cell_width
    address = f"{origin}/q/{code.token}"
    draw_code(pdf, address, left + (width - size) / 2, top + 1.5, size)
    pdf.set_text_color(_BLACK)
    pdf.set_font(face, size=9)
    _draw_centred(pdf, f"{sheet.name}-{code.serial:02d}", left, top + size + 5, width)
    pdf.set_font(face, size=6.5)
    server_name, _, token = address.partition("://")[2].partition("/q/")
    address_start = f"{truncate_to_width(pdf, server_name, width - 8)}/q/"
    _draw_centred(pdf, address_start, left, top + size + 9, width)
    _draw_centred(pdf, token, left, top + size + 12, width)
    pdf.set_text_color(_GREY)
    # Codes are cut apart, and each must say what it is.
    demo = t("Demo data")
    below = f"{sheet.point_name} · {demo}" if sheet.is_demo else sheet.point_name
    _draw_centred(pdf, truncate_to_width(pdf, below, width - 4), left, top + size + 15.5, width)


def _draw_sign_in_head(
    pdf: FPDF, face: str, page: str, *, t: Translator, sheet: SignInCodeSheet
) -> None:
    rule = t(
        "Each code signs one person in once, until {time}. Hand it to that person only.",
        time=_format_last_minute(t, sheet.expires_at),
    )
    _draw_head(pdf, face, page, t("Sign-in codes"), rule)


def _draw_setup_head(
    pdf: FPDF, face: str, page: str, *, t: Translator, sheet: SetupLinkSheet
) -> None:
    rule = t(
        "With each link one person chooses a password, once, until {time}. Hand it to that person "
        "only.",
        time=_format_last_minute(t, sheet.expires_at),
    )
    _draw_head(pdf, face, page, t("Setup links"), rule)


def _draw_head(pdf: FPDF, face: str, page: str, title: str, rule: str) -> None:
    """Draw the title, the number of the page, and what holds for all codes on it."""
    left = SIGN_IN_CODES.margin + 2
    pdf.set_text_color(_BLACK)
    pdf.set_font(face, size=12)
    pdf.text(left, 11, title)
    pdf.set_text_color(_GREY)
    pdf.set_font(face, size=9)
    pdf.text(left, 18, truncate_to_width(pdf, rule, pdf.w - 2 * left))
    pdf.text(pdf.w - left - pdf.get_string_width(page), 11, page)


def _draw_sign_in_code(
    pdf: FPDF,
    face: str,
    person: PrintedSignInCode,
    corner: CellCorner,
    *,
    t: Translator,
    origin: str,
) -> None:
    address = f"{origin}/auth/code?login={quote(person.login, safe='')}"
    _draw_person(
        pdf,
        face,
        corner,
        address,
        name=person.name,
        code=person.code,
        login=t("Login: {login}", login=person.login),
        below=(
            f"{origin.partition('://')[2]}/auth/code",
            t("Scan, then type the code. It works once."),
        ),
    )


def _draw_setup_link(
    pdf: FPDF,
    face: str,
    person: PrintedSetupLink,
    corner: CellCorner,
    *,
    t: Translator,
    origin: str,
) -> None:
    _draw_person(
        pdf,
        face,
        corner,
        f"{origin}/auth/setup/{person.token}",
        name=person.name,
        code="",
        login=t("Login: {login}", login=person.login),
        below=(
            f"{origin.partition('://')[2]}/auth/setup/{person.token}",
            t("Scan and choose a password. It works once."),
        ),
    )


def _draw_person(
    pdf: FPDF,
    face: str,
    corner: CellCorner,
    address: str,
    *,
    name: str,
    login: str,
    code: str,
    below: tuple[str, str],
) -> None:
    """Draw a QR code, whose it is beside it, and two lines below."""
    (left, top), size, width = corner, SIGN_IN_CODES.code_size, SIGN_IN_CODES.cell_width
    draw_code(pdf, address, left + 3, top + 3, size)
    for down, font_size, shade, words in (
        (11, 10, _BLACK, name),
        (18, 9, _GREY, login),
        (27, 15, _BLACK, code),
    ):
        pdf.set_text_color(shade)
        pdf.set_font(face, size=font_size)
        pdf.text(left + size + 5, top + down, truncate_to_width(pdf, words, width - size - 7))
    pdf.set_text_color(_GREY)
    pdf.set_font(face, size=7)
    for down, words in zip((8, 12), below, strict=True):
        pdf.text(left + 4, top + size + down, truncate_to_width(pdf, words, width - 8))


def _format_last_minute(t: Translator, expires_at: datetime) -> str:
    """Format the last minute in which a code works, in China's time."""
    return format_china_minute(t, expires_at - timedelta(minutes=1))


def _draw_watermark(pdf: FPDF, face: str, words: str) -> None:
    """Print across the page that this is demo data."""
    pdf.set_font(face, size=64)
    pdf.set_text_color(_PALE)
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


def _draw_centred(pdf: FPDF, words: str, left: float, baseline: float, width: float) -> None:
    """Draw text in the middle of a cell of that width."""
    pdf.text(left + (width - pdf.get_string_width(words)) / 2, baseline, words)
