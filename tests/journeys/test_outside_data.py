"""Complaints are delivered, corrected and read beside a score; an activity enters the register."""

import io
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from survey.locale import translator
from tests.context.complaints.count_files import HEADER, count_file, rows_of
from tests.journeys.app_page import upload_file, wait_until_idle
from tests.server_process import Server

CITY, SOURCE, FAULTS = "420500", "湖北省消委会", "缺两个区"
FIRST = [*rows_of("2024-05", CITY, (100, 60, 40)), *rows_of("2024-05", "110000", (500, 90, 70))]
WRONG = [FIRST[0].replace(CITY, "420501"), FIRST[1].replace("价格", "价钱"), *FIRST[2:]]
REVISED = [FIRST[0].replace(",100,50,", ",120,50,"), *FIRST[1:]]
zh = translator("zh")


@pytest.fixture
def page(browser: Browser, results_server: Server) -> Iterator[Page]:
    """A national official at a desk.

    What is delivered stands beside what the other journeys of this server read.
    """
    context = browser.new_context(viewport={"width": 1440, "height": 1200}, locale="zh-CN")
    context.set_default_timeout(60_000)
    opened = context.new_page()
    opened.request.post(f"{results_server.url}/auth/demo", form={"role": "national_official"})
    yield opened
    context.close()


def deliver(page: Page, name: str, rows: list[str], faults: str = "") -> None:
    choose_file(page, name, rows)
    page.get_by_role("textbox", name=zh("Source")).fill(SOURCE)
    page.get_by_role("textbox", name=zh("Known faults; shown with every figure")).fill(faults)
    page.get_by_role("button", name=zh("Store this delivery")).click()


def choose_file(page: Page, name: str, rows: list[str]) -> None:
    content = {"name": name, "mimeType": "text/csv", "buffer": count_file(*rows, header=HEADER)}
    upload_file(page, content)


def revision(page: Page, number: int) -> Locator:
    return page.get_by_text(zh("{month} (revision {number})", month="2024-05", number=number)).first


def test_from_a_wrong_file_to_complaints_beside_the_score(
    page: Page, results_server: Server
) -> None:
    page.goto(f"{results_server.url}/outside-data?lang=zh")
    choose_file(page, "wrong.csv", WRONG)
    problems = page.locator("table", has=page.get_by_role("cell", name="价钱"))
    expect(problems).to_contain_text("地区代码")
    expect(problems).to_contain_text("投诉性质")
    expect(problems.locator("tbody tr")).to_have_count(2)
    expect(page.get_by_role("button", name=zh("Store this delivery"))).to_have_count(0)

    page.reload()
    deliver(page, "right.csv", FIRST, FAULTS)
    expect(revision(page, 1)).to_be_visible()

    page.reload()
    deliver(page, "revised.csv", REVISED)
    expect(revision(page, 2)).to_be_visible()
    wait_until_idle(page)
    page.get_by_text(zh("Deliveries"), exact=True).click()
    changed = page.locator(
        "table", has=page.get_by_role("columnheader", name=zh("Accepted, in use"))
    )
    expect(changed.locator("tbody tr")).to_have_count(1)
    expect(changed).to_contain_text("200")
    expect(changed).to_contain_text("220")

    page.goto(f"{results_server.url}/city?lang=zh&city={CITY}&part=beside")
    wait_until_idle(page)
    expect(page.get_by_text("受理投诉 220 件")).to_be_visible()
    expect(page.get_by_text(SOURCE).first).to_be_visible()
    page.goto(f"{results_server.url}/complaints?lang=zh&place={CITY}")
    wait_until_idle(page)
    expect(page.get_by_text("220").first).to_be_visible()
    expect(page.locator("[data-testid=stException]")).to_have_count(0)


def test_an_education_activity_with_a_photo_enters_the_register(
    page: Page, results_server: Server
) -> None:
    # The address of the tab that it was leads on.
    page.goto(f"{results_server.url}/complaints?lang=zh&part=education")
    page.wait_for_url("**/consumer-education?**")
    wait_until_idle(page)
    page.get_by_text(zh("Enter one"), exact=True).click()
    page.get_by_role("textbox", name=zh("Activity"), exact=True).fill("社区防骗讲座")
    page.get_by_role("textbox", name=zh("Location"), exact=True).fill("红旗社区活动室")
    wait_until_idle(page)
    page.get_by_test_id("stDateInput").get_by_role("spinbutton").first.click()
    # Later than what `test_education_lists` enters on this server: the first rows of the list show.
    page.keyboard.type("20250609")
    page.get_by_label(zh("Participants"), exact=True).fill("45")
    page.get_by_label(zh("Cost (yuan)"), exact=True).fill("900")
    upload_file(page, {"name": "hall.jpg", "mimeType": "image/jpeg", "buffer": picture()})
    page.get_by_role("button", name=zh("Enter it"), exact=True).click()
    expect(page.get_by_text(zh("It is in the register."))).to_be_visible()
    row = page.get_by_role("row", name="社区防骗讲座")
    expect(row).to_contain_text("2025年6月9日")
    expect(row).to_contain_text("20.00")


def picture() -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", (640, 480), "lightgrey").save(kept, "JPEG")
    return kept.getvalue()
