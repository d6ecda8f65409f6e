"""An official reads the answer without scrolling, opens a city, and comes back at one press."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.app_page import wait_until_idle
from tests.server_process import Server, serious_problems

SCREEN = {"width": 1440, "height": 900}


@pytest.fixture
def official(browser: Browser, results_server: Server) -> Iterator[Page]:
    context = browser.new_context(viewport=SCREEN, locale="zh-CN")
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.request.post(f"{results_server.url}/auth/demo", form={"role": "national_official"})
    yield page
    context.close()


def settle(page: Page, heading: str) -> None:
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    wait_until_idle(page)


def bottom_of(page: Page, selector: str) -> float:
    box = page.locator(selector).last.bounding_box()
    assert box is not None
    return box["y"] + box["height"]


def test_the_first_screen_answers_and_a_city_is_one_click_away(
    official: Page, results_server: Server
) -> None:
    official.goto(f"{results_server.url}/overview")
    settle(official, "全国总览")
    official.locator(".stVegaLiteChart svg").nth(2).wait_for()
    for answer in (".hcs-answer .number", ".hcs-tiles", ".hcs-cities"):
        assert bottom_of(official, answer) <= SCREEN["height"], answer
    assert serious_problems(official) == []
    official.wait_for_url("**/overview?wave=main-2024")
    entries = official.evaluate("history.length")

    official.locator(".hcs-cities a").first.click()
    settle(official, "城市画像")
    assert bottom_of(official, ".hcs-findings") <= SCREEN["height"]
    assert serious_problems(official) == []
    official.go_back()
    settle(official, "全国总览")

    points = official.locator(".stVegaLiteChart").nth(1).locator(".mark-symbol path")
    points.nth(99).click(force=True)
    settle(official, "城市画像")
    assert "city=" in official.url
    assert official.evaluate("history.length") == entries + 1
    official.go_back()
    settle(official, "全国总览")


def test_back_leaves_a_page_at_the_first_press_in_large_english(
    official: Page, results_server: Server
) -> None:
    official.goto(f"{results_server.url}/overview?lang=en&large=1")
    settle(official, "National overview")
    official.get_by_role("link", name="City profile").click()
    settle(official, "City profile")
    official.wait_for_url("**/city?*large=1*")
    official.wait_for_url("**/city?*wave=main-2024*")
    assert "lang=en" in official.url
    official.go_back()
    settle(official, "National overview")


def test_back_leaves_the_planning_page_at_the_first_press(
    official: Page, results_server: Server
) -> None:
    official.goto(f"{results_server.url}/overview")
    settle(official, "全国总览")
    official.get_by_role("link", name="批次与抽样").click()
    settle(official, "批次与抽样")
    official.wait_for_url("**/plan?wave=main-2024")
    official.get_by_role("tab", name="抽样点").click()
    official.wait_for_url("**/plan?wave=main-2024&part=points")
    official.go_back()
    official.wait_for_url("**/plan?wave=main-2024")
    settle(official, "批次与抽样")
    official.go_back()
    settle(official, "全国总览")


def test_a_city_is_found_by_its_initials_and_opened_by_keys(
    official: Page, results_server: Server
) -> None:
    official.goto(f"{results_server.url}/city")
    settle(official, "城市画像")
    official.get_by_role("combobox", name="城市").focus()
    official.keyboard.type("wulumu")
    expect(official.get_by_role("option")).to_have_text(["乌鲁木齐 Wulumuqi"])
    official.keyboard.press("Enter")
    expect(official.get_by_role("heading", name="乌鲁木齐", exact=True)).to_be_visible()
    official.wait_for_url("**/city?*city=650100*")
