"""A supervisor fills in the template, mends what is refused, writes it, and it counts only once."""

import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text

from survey.locale import translator
from survey.store.engine import engine_for
from survey.store.tables import Mode
from tests.journeys.app_page import upload_file, wait_until_idle
from tests.server_process import CITY, LivePlatform, serious_problems

zh = translator("zh")
SLOW = 60_000
"""Milliseconds that a busy machine may take to check a file."""


@pytest.fixture
def desk(browser: Browser) -> Iterator[Page]:
    """The supervisor's computer."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, locale="zh-CN")
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def _filled(template: bytes, rows: list[Mapping[str, object]]) -> bytes:
    workbook = load_workbook(io.BytesIO(template))
    sheet = workbook["answers"]
    header = [cell.value for cell in sheet[1]]
    for number, row in enumerate(rows, start=3):
        for name, value in row.items():
            sheet.cell(number, header.index(name) + 1).value = value
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def _check(desk: Page, name: str, content: bytes) -> None:
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    file = {"name": name, "mimeType": kind, "buffer": content}
    upload_file(desk, file, within=".st-key-bulk-file")
    expect(desk.get_by_text(name)).to_be_visible()
    # The name shows before the file has arrived: the figures of the file before it go when it has.
    expect(desk.locator(".hcs-tile")).to_have_count(0, timeout=SLOW)
    wait_until_idle(desk)
    desk.locator(".st-key-bulk-check button").click()


def _tiles(desk: Page, *numbers: str) -> None:
    """Will be written, refused, there already."""
    expect(desk.locator(".hcs-tile .number")).to_have_text(list(numbers), timeout=SLOW)


def _imported(live_server: LivePlatform) -> list[object]:
    return [
        revision.answers["birth_year"]
        for response, revision in live_server.responses()
        if response.mode is Mode.IMPORT
    ]


def test_errors_are_mended_and_the_second_time_adds_nothing(
    live_server: LivePlatform, desk: Page, complete: dict[str, object]
) -> None:
    desk.request.post(f"{live_server.url}/auth/demo", form={"role": "supervisor", "next": "/"})
    desk.goto(f"{live_server.url}/bulk-import")
    wait_until_idle(desk)
    with desk.expect_download() as download:
        desk.locator(".st-key-bulk-template button").click()
    template = Path(download.value.path()).read_bytes()
    place = {"city": CITY, "point": live_server.point.code}
    good = {**complete, **place, "quality": 8, "birth_year": 1979}
    wrong = {**complete, **place, "quality": 11, "birth_year": 1981}
    lost = {**complete, "city": CITY, "point": "nowhere", "birth_year": 1982}

    _check(desk, "first.xlsx", _filled(template, [good, wrong, lost]))
    _tiles(desk, "1", "2", "0")
    expect(desk.locator(".st-key-bulk-write button")).to_be_disabled()
    with desk.expect_download() as download:
        desk.locator(".st-key-bulk-problems button").click()
    problems = load_workbook(io.BytesIO(Path(download.value.path()).read_bytes()))
    causes, rows = problems.worksheets
    assert [row[:1] + row[2:4] for row in causes.iter_rows(min_row=2, values_only=True)] == [
        (1, "quality", "“11”"),
        (1, "point", "“nowhere”"),
    ]
    assert [row[:4] for row in rows.iter_rows(min_row=2, values_only=True)] == [
        ("answers", 4, "quality", "11"),
        ("answers", 5, "point", "nowhere"),
    ]
    assert _imported(live_server) == []
    assert serious_problems(desk) == []

    mended = [good, {**wrong, "quality": 10}, {**lost, **place}]
    _check(desk, "mended.xlsx", _filled(template, mended))
    _tiles(desk, "3", "0", "0")
    desk.locator(".st-key-bulk-write button").click()
    written = desk.get_by_text(zh("{count} interviews were written", count="3"))
    expect(written).to_be_visible(timeout=SLOW)
    assert sorted(map(str, _imported(live_server))) == ["1979", "1981", "1982"]

    _check(desk, "again.xlsx", _filled(template, mended))
    _tiles(desk, "0", "0", "3")
    expect(desk.get_by_text(zh("Nothing is left to write"))).to_be_visible()
    expect(desk.locator(".st-key-bulk-write")).to_have_count(0)
    assert len(_imported(live_server)) == 3


def test_a_write_that_is_cancelled_leaves_nothing_and_says_so(
    live_server: LivePlatform, desk: Page, complete: dict[str, object]
) -> None:
    """Somebody else writes meanwhile, so that the import has to wait until it was cancelled."""
    desk.request.post(f"{live_server.url}/auth/demo", form={"role": "supervisor", "next": "/"})
    desk.goto(f"{live_server.url}/bulk-import")
    wait_until_idle(desk)
    place = {"city": CITY, "point": live_server.point.code}
    row = {**complete, **place, "quality": 8, "birth_year": 1966}
    header = ",".join(row)
    cells = (" ".join(each) if isinstance(each, list) else str(each) for each in row.values())
    before = len(_imported(live_server))
    content = f"{header}\n{','.join(cells)}\n".encode()
    file = {"name": "cancelled.csv", "mimeType": "text/csv", "buffer": content}
    upload_file(desk, file, within=".st-key-bulk-file")
    expect(desk.get_by_text("cancelled.csv")).to_be_visible()
    wait_until_idle(desk)
    desk.locator(".st-key-bulk-check button").click()
    _tiles(desk, "1", "0", "0")
    with engine_for(live_server.settings.store_url).connect() as other:
        other.execution_options(survey_writes=True)
        other.execute(text("UPDATE account SET name = name"))
        desk.locator(".st-key-bulk-write button").click()
        desk.locator(".st-key-bulk-cancel button").click()
        expect(desk.get_by_text(zh("Cancelling …"))).to_be_visible(timeout=SLOW)
        other.rollback()
    expect(desk.get_by_text(zh("The import was cancelled"), exact=True)).to_be_visible(timeout=SLOW)
    assert len(_imported(live_server)) == before
