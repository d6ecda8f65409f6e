"""The printed sheet: what is drawn is what a phone reads, twenty a page."""

from datetime import UTC, datetime

import pytest
import segno

from survey.fieldwork.invitation_sheets import (
    INVITATIONS_PER_PAGE,
    InvitationSheet,
    PrintedInvitation,
)
from survey.publish.code_sheet import (
    CELL_HEIGHT,
    CELL_WIDTH,
    COLUMNS,
    MARGIN,
    TOP,
    code_sheet_pdf,
)
from survey.publish.printing import dark_runs, qr_modules
from survey.store.tables import new_id

ADDRESS = "https://survey.example.cn/q/YncRr3RtYsBMR_x4a6idKQ"


def _sheet(count: int, point: str = "解放路步行街") -> InvitationSheet:
    return InvitationSheet(
        id=new_id(), wave_title={"zh": "2026年测评", "en": "Wave 2026"},
        city_name={"zh": "宜昌市", "en": "Yichang"}, point_name=point, surveyor_name="Li",
        is_demo=True, expires_at=datetime(2026, 5, 22, 16, tzinfo=UTC),
        codes=tuple(PrintedInvitation(n, f"token-{n:016d}") for n in range(1, count + 1)),
    )  # fmt: skip


def test_the_runs_draw_every_module_of_the_code_and_no_other() -> None:
    rows = qr_modules(ADDRESS)
    drawn = [[False] * len(row) for row in rows]
    for y, x, length in dark_runs(rows):
        for column in range(x, x + length):
            assert not drawn[y][column]
            drawn[y][column] = True
    assert drawn == [
        [bool(module) for module in row] for row in segno.make(ADDRESS, error="m").matrix
    ]


def test_twenty_codes_fit_on_a_page_of_a4() -> None:
    assert MARGIN + COLUMNS * CELL_WIDTH + MARGIN <= 210
    assert TOP + INVITATIONS_PER_PAGE / COLUMNS * CELL_HEIGHT + MARGIN <= 297


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("count", "pages"), [(20, 1), (21, 2)])
def test_a_page_for_every_twenty(language: str, count: int, pages: int) -> None:
    content = code_sheet_pdf(_sheet(count), origin="https://survey.example.cn", language=language)
    assert content.startswith(b"%PDF-")
    assert content.count(b"/Type /Page\n") == pages
    assert b"NotoSansSC" in content


def test_long_names_and_no_server_address_are_no_trouble() -> None:
    assert code_sheet_pdf(_sheet(1, point="购物中心" * 60), origin="", language="zh")
