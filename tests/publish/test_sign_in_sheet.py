"""The printed sign-in codes: one person a cell, the code itself in no address."""

from datetime import UTC, datetime

import pytest

from survey.access.sign_in_codes import PrintedSignInCode, SignInCodeSheet
from survey.publish import sign_in_sheet
from survey.publish.sign_in_sheet import CODES_PER_PAGE, sign_in_sheet_pdf


def _sheet(count: int, **changes: str) -> SignInCodeSheet:
    people = tuple(
        PrintedSignInCode(
            changes.get("login", f"s-{n:02d}"), changes.get("name", "李娜"), "ABCD-2345"
        )
        for n in range(count)
    )
    return SignInCodeSheet(people, datetime(2026, 5, 20, 16, tzinfo=UTC), is_demo=True)


@pytest.mark.parametrize(("count", "pages"), [(1, 1), (CODES_PER_PAGE, 1), (CODES_PER_PAGE + 1, 2)])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_ten_people_a_page(count: int, pages: int, language: str) -> None:
    pdf = sign_in_sheet_pdf(_sheet(count), origin="https://survey.example.cn", language=language)
    assert pdf.startswith(b"%PDF-")
    assert pdf.count(b"/Type /Page\n") == pages


def test_the_picture_opens_the_page_with_the_login_and_without_the_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    addresses: list[str] = []
    monkeypatch.setattr(
        sign_in_sheet, "draw_code", lambda pdf, address, *place: addresses.append(address)
    )
    sign_in_sheet_pdf(_sheet(1, login="a&b=c"), origin="https://survey.example.cn", language="zh")
    assert addresses == ["https://survey.example.cn/auth/code?login=a%26b%3Dc"]


def test_long_names_stay_on_the_paper() -> None:
    sheet = _sheet(3, name="长" * 80, login="x" * 64)
    assert sign_in_sheet_pdf(sheet, origin="http://[::1]:8501", language="zh")
