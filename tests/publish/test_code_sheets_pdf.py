"""Printed codes: what is drawn is what a phone reads, and a sign-in code stands in no address."""

from datetime import UTC, datetime
from io import BytesIO

import pytest
import segno
from PIL import Image

from survey.access.sign_in_codes import PrintedSecret, SecretSheet
from survey.collection.invitation_sheets import (
    INVITATIONS_PER_PAGE,
    InvitationSheet,
    PrintedInvitation,
)
from survey.reports import code_sheets_pdf
from survey.reports.code_sheets_pdf import (
    INVITATIONS,
    QUIET,
    SIGN_IN_CODES,
    SheetLayout,
    draw_qr_code,
    invitation_sheet_pdf,
    setup_link_sheet_pdf,
    sign_in_sheet_pdf,
)
from survey.store.tables import new_id
from tests.pdf_reading import read_pages, render, run_poppler


def invitations(count: int, point: str = "解放路步行街") -> InvitationSheet:
    return InvitationSheet(
        id=new_id(),
        wave_title={"zh": "2026年测评", "en": "Wave 2026"},
        city_name={"zh": "宜昌市", "en": "Yichang"},
        point_name=point,
        surveyor_name="Li",
        is_demo=True,
        expires_at=datetime(2026, 5, 22, 16, tzinfo=UTC),
        codes=tuple(PrintedInvitation(n, f"token-{n:016d}") for n in range(1, count + 1)),
    )


def assert_codes_stand_in_their_cells(
    pdf: bytes, layout: SheetLayout, addresses: list[str]
) -> None:
    """Compare every module of the codes of a first page with what is printed in its place."""
    dots = 20  # a millimetre
    picture = render("pdftoppm", pdf, "-gray", "-r", str(dots * 25.4), "-l", "1")
    page = Image.open(BytesIO(picture))
    for index, address in enumerate(addresses):
        rows = [*segno.make(address, error="m").matrix_iter(border=QUIET)]
        row, column = divmod(index, layout.columns)
        left = layout.margin + column * layout.cell_width + layout.code_left
        top = layout.top + row * layout.cell_height + layout.code_top
        module = layout.code_size / len(rows)
        for y, line in enumerate(rows):
            for x, is_dark in enumerate(line):
                place = left + (x + 0.5) * module, top + (y + 0.5) * module
                value = page.getpixel((round(place[0] * dots), round(place[1] * dots)))
                assert (value < 128) == bool(is_dark), (address, x, y)


def test_what_is_printed_in_a_cell_is_the_code_of_its_address() -> None:
    origin = "https://survey.example.cn"
    sheet, people = invitations(7), sign_in_codes(3)
    assert_codes_stand_in_their_cells(
        invitation_sheet_pdf(sheet, origin=origin, language="zh"),
        INVITATIONS,
        [f"{origin}/q/{code.token}" for code in sheet.codes],
    )
    assert_codes_stand_in_their_cells(
        sign_in_sheet_pdf(people, origin=origin, language="en"),
        SIGN_IN_CODES,
        [f"{origin}/auth/code?login={person.login}" for person in people.people],
    )


@pytest.mark.parametrize(
    ("layout", "codes"), [(INVITATIONS, INVITATIONS_PER_PAGE), (SIGN_IN_CODES, 10)]
)
def test_twenty_invitations_or_ten_sign_in_codes_fit_on_a_page_of_a4(
    layout: SheetLayout, codes: int
) -> None:
    assert layout.per_page == codes
    assert layout.margin + layout.columns * layout.cell_width + layout.margin <= 210
    assert layout.top + layout.rows * layout.cell_height + layout.margin <= 297


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("count", "pages"), [(20, 1), (21, 2)])
def test_a_page_for_every_twenty(language: str, count: int, pages: int) -> None:
    content = invitation_sheet_pdf(
        invitations(count), origin="https://survey.example.cn", language=language
    )
    assert content.startswith(b"%PDF-")
    assert len(read_pages(content)) == pages
    assert "NotoSansSC" in run_poppler("pdffonts", content)


def test_long_names_and_no_server_address_are_no_trouble() -> None:
    assert invitation_sheet_pdf(invitations(1, point="购物中心" * 60), origin="", language="zh")


def record_and_draw(addresses: list[str], address: str) -> str:
    addresses.append(address)
    return draw_qr_code(address)


def sign_in_codes(count: int, **changes: str) -> SecretSheet:
    people = tuple(
        PrintedSecret(changes.get("login", f"s-{n:02d}"), changes.get("name", "李娜"), "ABCD-2345")
        for n in range(count)
    )
    return SecretSheet(people, datetime(2026, 5, 20, 16, tzinfo=UTC), is_demo=True)


@pytest.mark.parametrize(("count", "pages"), [(1, 1), (10, 1), (11, 2)])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_ten_people_a_page(count: int, pages: int, language: str) -> None:
    pdf = sign_in_sheet_pdf(
        sign_in_codes(count), origin="https://survey.example.cn", language=language
    )
    assert pdf.startswith(b"%PDF-")
    assert len(read_pages(pdf)) == pages


def test_the_code_opens_the_page_with_the_login_and_without_the_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    addresses: list[str] = []
    monkeypatch.setattr(
        code_sheets_pdf, "draw_qr_code", lambda address: record_and_draw(addresses, address)
    )
    sign_in_sheet_pdf(
        sign_in_codes(1, login="a&b=c"), origin="https://survey.example.cn", language="zh"
    )
    assert addresses == ["https://survey.example.cn/auth/code?login=a%26b%3Dc"]


def test_long_names_of_people_stay_on_the_paper() -> None:
    sheet = sign_in_codes(3, name="长" * 80, login="x" * 64)
    assert sign_in_sheet_pdf(sheet, origin="http://[::1]:8501", language="zh")


def setup_links(count: int) -> SecretSheet:
    people = tuple(PrintedSecret(f"s-{n:03d}", "\u674e\u5a1c", f"token-{n}") for n in range(count))
    return SecretSheet(people, datetime(2026, 5, 20, 16, tzinfo=UTC))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_two_hundred_setup_links_are_twenty_pages(language: str) -> None:
    pdf = setup_link_sheet_pdf(setup_links(200), origin="https://s.example.cn", language=language)
    assert len(read_pages(pdf)) == 20


def test_the_code_of_a_setup_link_is_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses: list[str] = []
    monkeypatch.setattr(
        code_sheets_pdf, "draw_qr_code", lambda address: record_and_draw(addresses, address)
    )
    setup_link_sheet_pdf(setup_links(1), origin="https://s.example.cn", language="zh")
    assert addresses == ["https://s.example.cn/auth/setup/token-0"]
