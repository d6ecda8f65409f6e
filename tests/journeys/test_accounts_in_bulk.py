"""An administrator pastes 200 surveyors, prints their links, and one of them signs in."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import func, select

from survey.access.account_list import issue_setup_links
from survey.access.principal import OPERATOR
from survey.locale import translator
from survey.store.engine import read_scope
from survey.store.tables import Account, SetupLink, now
from survey.store.transactions import run_in_transaction
from tests.journeys.app_page import wait_until_idle
from tests.journeys.staff import sign_in_administrator
from tests.pdf_reading import read_pages
from tests.server_process import LivePlatform, serious_problems
from tests.work_of import work_of

zh = translator("zh")
SLOW = 60_000
PASSWORD = "quiet rivers carry lanterns home"


@pytest.fixture
def desk(browser: Browser, live_server: LivePlatform) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    context.set_default_timeout(SLOW)
    sign_in_administrator(context, live_server.settings, live_server.url)
    yield context.new_page()
    context.close()


def _count(live_server: LivePlatform, table: type[Account] | type[SetupLink]) -> int:
    with read_scope(live_server.settings.store_url) as session:
        return int(session.exec(select(func.count()).select_from(table)).one())


def test_two_hundred_surveyors_in_one_go(
    live_server: LivePlatform, browser: Browser, desk: Page, tmp_path: Path
) -> None:
    before = _count(live_server, Account)
    lines = [f"访问员{n:03d}\tfield{n:03d}\t访问员\t北京" for n in range(200)]
    desk.goto(f"{live_server.url}/users?view=batch")
    wait_until_idle(desk)
    box = desk.get_by_role(
        "textbox", name=zh("Cells copied from a spreadsheet, or one line a person")
    )
    box.fill("\n".join([*lines[:-1], "张三\tfield199\t国王\t北京"]))
    desk.locator(".st-key-users-batch-check button").click()
    expect(desk.get_by_text("国王", exact=True)).to_be_visible()
    assert _count(live_server, Account) == before
    assert serious_problems(desk, within=".stMainBlockContainer") == []

    box.fill("\n".join(lines))
    desk.locator(".st-key-users-batch-check button").click()
    wait_until_idle(desk)
    create = desk.get_by_role(
        "button", name=zh("Create {count} accounts and their links", count="200")
    )
    create.click()
    expect(desk.get_by_text(zh("{count} accounts are created.", count="200"))).to_be_visible()
    with desk.expect_download() as download:
        desk.get_by_role("button", name=zh("Download {count} links (PDF)", count="200")).click()
    pdf = tmp_path / "links.pdf"
    download.value.save_as(pdf)
    assert len(read_pages(pdf.read_bytes())) == 20
    assert _count(live_server, Account) == before + 200
    assert _count(live_server, SetupLink) >= 200

    desk.goto(f"{live_server.url}/users?view=links")
    wait_until_idle(desk)
    # The sheet was given once: another one takes another link.
    expect(desk.locator(".st-key-users-links-download")).to_have_count(0)
    expect(desk.locator(".st-key-users-links-all button")).to_be_enabled()

    token = _new_link(live_server, "field007")
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN")
    phone = context.new_page()
    phone.goto(f"{live_server.url}/auth/setup/{token}")
    phone.get_by_label(zh("New password")).fill(PASSWORD)
    phone.get_by_role("button", name=zh("Continue")).click()
    expect(phone.get_by_text("访问员007").first).to_be_visible(timeout=SLOW)
    context.close()


def _new_link(live_server: LivePlatform, login: str) -> str:
    sheet = run_in_transaction(
        live_server.settings.store_url,
        lambda session: issue_setup_links(work_of(session, OPERATOR, now()), logins=[login]),
    )
    return sheet.people[0].secret
