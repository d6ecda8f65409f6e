"""A city lists problems, its province returns one and accepts it, and the next wave measures."""

import io
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from docx import Document
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from survey.locale import translator
from survey.settings import Settings
from survey.store.china_time import china_date
from survey.store.tables import now
from tests.journeys.app_page import choose_option, wait_until_idle
from tests.server_process import Server

PAST, NOW = "main-2023", "main-2024"
UNIT, DONE, DONE_AGAIN, REASON = (
    "市场监管局",
    "已在全市公示",
    "两个区已补充公示",
    "两个区还没有公示",
)
zh = translator("zh")


@pytest.fixture(scope="module")
def server(synthetic_waves: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two released waves with officials of Suzhou and of its province."""
    folder = tmp_path_factory.mktemp("rectification") / "data"
    shutil.copytree(synthetic_waves.data_dir, folder)
    running = Server(folder)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def sign_in(browser: Browser, server: Server) -> Iterator[Callable[[str], Page]]:
    contexts: list[BrowserContext] = []

    def as_role(role: str) -> Page:
        context = browser.new_context(viewport={"width": 1440, "height": 1200}, locale="zh-CN")
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.request.post(f"{server.url}/auth/demo", form={"role": role})
        return page

    yield as_role
    for context in contexts:
        context.close()


def open_page(page: Page, address: str) -> None:
    page.goto(address)
    page.locator("h1").first.wait_for()
    wait_until_idle(page)


def press(within: Page | Locator, label: str) -> None:
    within.get_by_role("button", name=label, exact=True).last.click()


def move(page: Page, label: str) -> None:
    """Take a step that needs no words."""
    press(page, label)
    expect(page.get_by_text(zh("The problem is moved on.")).first).to_be_visible()
    wait_until_idle(page)


def choose_first(page: Page) -> str:
    """Open the first problem of the list and return its words."""
    box = page.get_by_role("combobox", name=zh("Problem to open"))
    expect(box).to_be_enabled()
    choose_option(box)
    title = page.locator(".hcs-problem h3")
    expect(title).to_be_visible()
    wait_until_idle(page)
    return title.inner_text()


def give_evidence(page: Page, statement: str) -> None:
    press(page, zh("Give evidence"))
    expect(page.get_by_role("textbox", name=zh("Link, if there is one"))).to_be_disabled()
    page.get_by_role("textbox", name=zh("What was done")).fill(statement)
    press(page, zh("Give evidence"))
    expect(page.get_by_text(zh("The evidence is kept.")).first).to_be_visible()
    page.keyboard.press("Escape")
    wait_until_idle(page)


def type_deadline(dialog: Locator, day: date) -> None:
    dialog.get_by_role("spinbutton").first.click()
    dialog.page.keyboard.type(f"{day:%Y%m%d}")
    # The calendar opens over the button; Escape closes it and leaves the dialog.
    dialog.page.keyboard.press("Escape")


def begin(city: Page) -> None:
    """Name unit and deadline in the dialog, and begin."""
    press(city, zh("Edit"))
    dialog = city.get_by_role("dialog")
    dialog.get_by_role("textbox", name=zh("Responsible unit")).fill(UNIT)
    type_deadline(dialog, china_date(now()) + timedelta(days=90))
    press(dialog, zh("Keep"))
    expect(city.get_by_text(zh("The problem is kept.")).first).to_be_visible()
    wait_until_idle(city)
    move(city, zh("Begin to put it right"))


def test_from_the_list_to_the_report_that_measures_again(
    server: Server, sign_in: Callable[[str], Page]
) -> None:
    city, province = sign_in("city_official"), sign_in("province_official")
    own = f"{server.url}/city?wave={PAST}&part=rectification"
    waiting = f"{server.url}/rectification?wave={PAST}&show=done"
    open_page(city, own)
    city.get_by_role("button", name=re.compile("^将优先改进事项全部列入（3 项）")).click()
    expect(city.get_by_text(zh("{count} problems added.", count=3)).first).to_be_visible()
    words = choose_first(city)
    begin(city)
    give_evidence(city, DONE)
    move(city, zh("Report as put right"))

    open_page(province, waiting)
    assert choose_first(province) == words
    expect(province.get_by_text(DONE).first).to_be_visible()
    press(province, zh("Open again"))
    province.get_by_role("textbox", name=zh("Reason")).fill(REASON)
    move(province, zh("Open again"))

    open_page(city, own)
    city.get_by_role("row", name=re.compile(UNIT)).filter(has_text="退回").wait_for()
    choose_first(city)
    give_evidence(city, DONE_AGAIN)
    move(city, zh("Report as put right"))

    open_page(province, waiting)
    choose_first(province)
    expect(province.get_by_text(DONE_AGAIN).first).to_be_visible()
    move(province, zh("Accept"))

    open_page(city, f"{server.url}/city?wave={NOW}&part=rectification")
    expect(city.get_by_role("cell", name=re.compile("^2024 年：")).first).to_be_visible()
    with city.expect_download() as download:
        city.get_by_role("button", name="下载报告（Word）").click()
    document = Document(io.BytesIO(Path(download.value.path()).read_bytes()))
    rows = [[cell.text for cell in row.cells] for table in document.tables for row in table.rows]
    (row,) = (row for row in rows if row[0] == words and UNIT in row)
    assert row[2] == "已验收"
    assert row[-1] in {"缩小", "扩大", "无法判断", "未能复测"}
