"""A year of consumer education from lists: 300 activities, five bases of which one is changed."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from survey.education.entry_list import build_template
from survey.education.registers import ACTIVITIES, BASES, STATIONS, Register
from survey.locale import translator
from tests.journeys.app_page import choose_option, upload_file, wait_until_idle
from tests.server_process import Server

zh = translator("zh")
CITIES = ("苏州市", "320505", "南京", "江苏", "北京市")


@pytest.fixture
def page(browser: Browser, results_server: Server) -> Iterator[Page]:
    """A national official at a desk."""
    context = browser.new_context(viewport={"width": 1440, "height": 1200}, locale="zh-CN")
    context.set_default_timeout(60_000)
    opened = context.new_page()
    opened.request.post(f"{results_server.url}/auth/demo", form={"role": "national_official"})
    yield opened
    context.close()


def bring_in(page: Page, register: Register, lines: list[str]) -> None:
    heads = ",".join(zh(column.label) for column in build_template(register).columns)
    content = "\n".join([heads, *lines]).encode()
    page.get_by_text(zh("Enter a list"), exact=True).click()
    file = {"name": "list.csv", "mimeType": "text/csv", "buffer": content}
    upload_file(page, file, within=f"[class*=st-key-{register.sheet}-list-]")


def enter(page: Page, count: int) -> None:
    page.get_by_role("button", name=zh("Enter {count} rows", count=count)).click()
    expect(page.get_by_text(zh("{count} rows are in the register.", count=count))).to_be_visible()


def base(number: int) -> str:
    head = f"{CITIES[number]},旅程体验馆{number},展馆或博物馆,市级,2023年3月15日"
    return f"{head},,观前街{number}号,是,否,,12315"


def fetch(page: Page, label: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=label).click()
    return Path(download.value.path()).read_bytes()


def test_a_year_of_activities_and_five_bases(page: Page, results_server: Server) -> None:
    page.goto(f"{results_server.url}/consumer-education?lang=zh")
    days = ("2025/3/5", "2025年4月6日", "20250507", "2025-6-8")
    lines = [
        f"旅程讲座{number},第{number}社区,{days[number % 4]},讲座或培训,老年人,{20 + number},300"
        for number in range(300)
    ]
    bring_in(page, ACTIVITIES, lines)
    enter(page, 300)
    expect(page.get_by_text("旅程讲座299")).to_have_count(0)
    # 301 if `test_outside_data` entered its activity on this server before.
    show_all = "|".join(zh("Show all {count} rows", count=count) for count in (300, 301))
    page.get_by_text(re.compile(show_all)).click()
    expect(page.get_by_role("cell", name="旅程讲座299", exact=True)).to_be_visible()

    page.goto(f"{results_server.url}/consumer-education?lang=zh&part=bases")
    bring_in(page, BASES, [base(number) for number in range(4)])
    enter(page, 4)
    page.reload()
    bring_in(page, BASES, [base(number) for number in range(5)])
    expect(page.get_by_text("旅程体验馆0; 旅程体验馆1".replace("; ", zh("; ")))).to_be_visible()
    enter(page, 1)

    entry = page.get_by_role("combobox", name=zh("Entry to look at, change or take out"))
    choose_option(entry, "旅程体验馆1")
    wait_until_idle(page)
    page.get_by_text(zh("Change it"), exact=True).click()
    wait_until_idle(page)
    form = page.get_by_test_id("stForm").filter(has_text=zh("Save the change"))
    form.get_by_role("textbox", name=zh("Address")).fill("平江路8号")
    form.get_by_role("button", name=zh("Save the change")).click()
    expect(page.get_by_text(zh("It is changed."))).to_be_visible()
    wait_until_idle(page)
    page.get_by_text(zh("Changes"), exact=True).click()
    expect(page.get_by_text("观前街1号 → 平江路8号")).to_be_visible()

    page.goto(f"{results_server.url}/consumer-education?lang=zh&part=bases&within=320500")
    expect(page.get_by_role("row", name="旅程体验馆1")).to_contain_text("平江路8号")
    expect(page.get_by_role("row", name="旅程体验馆2")).to_have_count(0)
    wait_until_idle(page)
    table = pd.read_csv(io.BytesIO(fetch(page, zh("List (CSV)"))))
    assert list(table["地址"]) == ["观前街0号", "平江路8号"]
    page.goto(f"{results_server.url}/consumer-education?lang=zh&part=bases")
    wait_until_idle(page)
    book = pd.read_excel(io.BytesIO(fetch(page, zh("List (XLSX)"))), dtype=str, engine="openpyxl")
    assert set(book["基地名称"]) == {f"旅程体验馆{number}" for number in range(5)}
    assert list(book.columns) == [zh(each.label) for each in build_template(BASES).columns]


def test_stations_with_a_wrong_row_and_without(page: Page, results_server: Server) -> None:
    page.goto(f"{results_server.url}/consumer-education?lang=zh&part=stations")
    right = "苏州,旅程维权站,2025年,维权服务站,景区,观前街1号,消协办公室,6,48,120"
    bring_in(page, STATIONS, [right, right.replace("景区", "瞭望塔")])
    expect(page.get_by_role("cell", name="瞭望塔")).to_be_visible()
    page.reload()
    bring_in(page, STATIONS, [right])
    enter(page, 1)
    row = page.get_by_role("row", name="旅程维权站")
    expect(row).to_contain_text("120")
    expect(page.locator("[data-testid=stException]")).to_have_count(0)
