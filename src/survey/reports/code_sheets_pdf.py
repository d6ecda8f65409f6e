"""Sheets of printed codes as PDF, to be cut: invitations, sign-in codes and setup links."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import segno

from survey.access.sign_in_codes import PrintedSecret, SecretSheet
from survey.collection.invitation_sheets import InvitationSheet, PrintedInvitation
from survey.figures.drawing import write_typst_pdf
from survey.locale import Translator, label_text, translator
from survey.store.china_time import format_china_minute

_TEMPLATE = Path(__file__).with_name("code_sheets.typ")
QUIET = 4
"""Empty modules around a code, as its standard asks."""

PrintedLine = dict[str, Any]
"""Text with its baseline, width and left edge in millimetres, and its size in points."""


@dataclass(frozen=True)
class SheetLayout:
    """Grid of cells on a page of A4, in millimetres, and the place of the code in a cell."""

    columns: int
    rows: int
    cell_width: float
    code_size: float
    """Size of the QR code with its quiet zone, readable at arm's length and from a photocopy."""
    code_left: float
    code_top: float
    is_centred: bool = False
    cell_height: float = 51.0
    margin: float = 8.0
    top: float = 26.0

    @property
    def per_page(self) -> int:
        """Number of cells on a page."""
        return self.columns * self.rows


INVITATIONS = SheetLayout(
    columns=4, rows=5, cell_width=48.5, code_size=32.0, code_left=8.25, code_top=1.5,
    is_centred=True,
)  # fmt: skip
SIGN_IN_CODES = SheetLayout(
    columns=2, rows=5, cell_width=97.0, code_size=34.0, code_left=3.0, code_top=3.0
)


def invitation_sheet_pdf(sheet: InvitationSheet, *, origin: str, language: str) -> bytes:
    """Return a sheet of one-time interview codes as PDF; `origin` is the server's address."""
    t = translator(language)
    place = f"{label_text(sheet.city_name, language)} · {sheet.point_name}"
    rule = t(
        "Each code works once, on one phone, until {time}. Cross out what you handed out.",
        time=_format_last_minute(t, sheet.expires_at),
    )
    head = [
        _line(label_text(sheet.wave_title, language), 11, size=12, width=150),
        _line(f"{place} · {sheet.surveyor_name}", 17, size=9, width=190),
        _line(rule, 22, size=9, width=190, grey=True),
    ]
    # Codes are cut apart, and each must say what it is.
    demo = t("Demo data")
    below = f"{sheet.point_name} · {demo}" if sheet.is_demo else sheet.point_name
    return _build_sheet_pdf(
        INVITATIONS,
        title=t("One-time codes, sheet {name}", name=sheet.name),
        head=head,
        codes=[_describe_invitation(code, sheet.name, origin, below) for code in sheet.codes],
        language=language,
        mark=f"{sheet.name} · ",
        watermark=demo if sheet.is_demo else "",
    )


def sign_in_sheet_pdf(sheet: SecretSheet, *, origin: str, language: str) -> bytes:
    """Return a sheet of sign-in codes as PDF; `origin` is the server's address, without a slash.

    The QR code opens the sign-in page with the login filled in; the code itself is typed, so that
    it stands in no address and no log.
    """
    t = translator(language)
    rule = t(
        "Each code signs one person in once, until {time}. Hand it to that person only.",
        time=_format_last_minute(t, sheet.expires_at),
    )
    below = (f"{_host(origin)}/auth/code", t("Scan, then type the code. It works once."))

    def describe(person: PrintedSecret) -> dict[str, Any]:
        address = f"{origin}/auth/code?login={quote(person.login, safe='')}"
        return _describe_person(t, person, address, code=person.secret, below=below)

    return _build_person_sheet(
        t("Sign-in codes"), rule, [describe(person) for person in sheet.people],
        language=language, watermark=t("Demo data") if sheet.is_demo else "",
    )  # fmt: skip


def setup_link_sheet_pdf(sheet: SecretSheet, *, origin: str, language: str) -> bytes:
    """Return a sheet of password setup links as PDF; `origin` is the server's address.

    The QR code is the link itself: its holder has no other secret yet, and it works once.
    """
    t = translator(language)
    rule = t(
        "With each link one person chooses a password, once, until {time}. Hand it to that person "
        "only.",
        time=_format_last_minute(t, sheet.expires_at),
    )
    hint = t("Scan and choose a password. It works once.")

    def describe(person: PrintedSecret) -> dict[str, Any]:
        path = f"/auth/setup/{person.secret}"
        below = (f"{_host(origin)}{path}", hint)
        return _describe_person(t, person, f"{origin}{path}", code="", below=below)

    return _build_person_sheet(
        t("Setup links"), rule, [describe(person) for person in sheet.people],
        language=language, watermark="",
    )  # fmt: skip


def _build_person_sheet(
    title: str, rule: str, codes: list[dict[str, Any]], *, language: str, watermark: str
) -> bytes:
    head = [_line(title, 11, size=12, width=150), _line(rule, 18, size=9, width=190, grey=True)]
    return _build_sheet_pdf(
        SIGN_IN_CODES,
        title=title,
        head=head,
        codes=codes,
        language=language,
        mark="",
        watermark=watermark,
    )


def _build_sheet_pdf(layout: SheetLayout, **parts: str | list[dict[str, Any]]) -> bytes:
    """Return a PDF of codes in the grid `layout`, filled from `parts` (keywords of the template).

    Args:
        parts: title, head (lines), codes, language, mark and watermark, as the template reads them.
    """
    return write_typst_pdf(_TEMPLATE, {"grid": asdict(layout), **parts})


def _describe_invitation(
    code: PrintedInvitation, sheet_name: str, origin: str, below: str
) -> dict[str, Any]:
    """Return an invitation's cell for the template: QR code, number, address, and line `below`."""
    width, size = INVITATIONS.cell_width, INVITATIONS.code_size
    lines = [
        _line(f"{sheet_name}-{code.serial:02d}", size + 5, size=9, width=width),
        # The name of a server may be cut, the path never.
        _line(_host(origin), size + 9, size=6.5, width=width - 4) | {"tail": "/q/"},
        _line(code.token, size + 12, size=6.5, width=width),
        _line(below, size + 15.5, size=6.5, width=width - 4, grey=True),
    ]
    for line in lines:
        line["x"] = (width - line["width"]) / 2
    return {"svg": draw_qr_code(f"{origin}/q/{code.token}"), "lines": lines}


def _describe_person(
    t: Translator, person: PrintedSecret, address: str, *, code: str, below: Sequence[str]
) -> dict[str, Any]:
    """Return a person's cell: QR code of `address`, name, login, `code` and lines `below`."""
    width, size = SIGN_IN_CODES.cell_width, SIGN_IN_CODES.code_size
    beside = {"x": size + 5, "width": width - size - 7}
    login = t("Login: {login}", login=person.login)
    lines = [
        _line(person.name, 11, size=10) | beside,
        _line(login, 18, size=9, grey=True) | beside,
        _line(code, 27, size=15) | beside,
        _line(below[0], size + 8, size=7, width=width - 8, grey=True) | {"x": 4},
        _line(below[1], size + 12, size=7, width=width - 8, grey=True) | {"x": 4},
    ]
    return {"svg": draw_qr_code(address), "lines": lines}


def _line(text: str, y: float, *, size: float, width: float = 0, grey: bool = False) -> PrintedLine:
    return {"text": text, "y": y, "size": size, "width": width, "grey": grey}


def _host(origin: str) -> str:
    """Return a server's address without its scheme such as `https://`."""
    return origin.partition("://")[2]


def _format_last_minute(t: Translator, expires_at: datetime) -> str:
    """Format the last minute before `expires_at`, in China's time."""
    return format_china_minute(t, expires_at - timedelta(minutes=1))


def draw_qr_code(address: str) -> str:
    """Return an address as a QR code in SVG, black on white, with its quiet zone."""
    file = BytesIO()
    segno.make(address, error="m").save(
        file, kind="svg", border=QUIET, omitsize=True, light="white", xmldecl=False
    )
    return file.getvalue().decode()
