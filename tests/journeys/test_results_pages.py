"""Officials read a small demo platform in a real browser: figures, filters, files, no barriers."""

import io
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from survey.access.roles import ROLES, Role
from survey.kit import navigation
from survey.kit.navigation import PageInfo
from survey.kit.page_socket import CHECK_SECONDS
from tests.journeys.app_page import wait_until_idle
from tests.server_process import Respondent, Server, serious_problems

DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
ZOOMED = {"width": 720, "height": 450}
"""The desk at 200 %."""
ROLES_THAT_LOOK = (
    Role.NATIONAL_OFFICIAL, Role.ADMINISTRATOR, Role.SURVEYOR, Role.TYPIST, Role.SUPERVISOR,
)  # fmt: skip
TABS = (
    "consumer-education", "complaints?part=opinion", "city?part=beside",
    "city?part=rectification",
)  # fmt: skip
"""Parts of a page that have another shape than its first."""


def role_of(page: PageInfo) -> str:
    """The first role whose work the page is; everybody has a start page, the longest is taken."""
    if page.action is None:
        return Role.ADMINISTRATOR
    return next(role for role in ROLES_THAT_LOOK if page.action in ROLES[role].actions)


PAGES = [
    *((page.url, role_of(page)) for page in navigation.PAGES),
    *((address, Role.NATIONAL_OFFICIAL) for address in TABS),
]
LOOK_OFTEN = "from survey.kit import page_socket\npage_socket.CHECK_SECONDS = 2.0"
"""Whether who opened a page is still signed in; a test waits for it."""
BEYOND = """() => {
  const edge = document.documentElement.clientWidth + 1;
  const scrolls = node => node && node !== document.body && (
    ["auto", "scroll"].includes(getComputedStyle(node).overflowX) || scrolls(node.parentElement));
  const lost = [...document.querySelectorAll(".stMainBlockContainer *")].filter(node => {
    const box = node.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && box.right > edge && !node.closest("svg")
      && !scrolls(node.parentElement) && getComputedStyle(node).position !== "fixed";
  });
  const page = document.documentElement.scrollWidth > edge ? ["the page scrolls sideways"] : [];
  return [...page, ...lost.slice(0, 5).map(node => node.outerHTML.slice(0, 160))];
}"""
"""The parts of a page that end beyond its right edge, outside of what scrolls by itself."""


@pytest.fixture(scope="module")
def demo_server(small_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demonstration at a hundredth of its size."""
    folder = tmp_path_factory.mktemp("results") / "demo"
    shutil.copytree(small_demo, folder)
    server = Server(folder, preamble=LOOK_OFTEN)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def official(browser: Browser, demo_server: Server) -> Iterator[Page]:
    """A national official at a desk."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.request.post(f"{demo_server.url}/auth/demo", form={"role": "national_official"})
    yield page
    context.close()


def opened(page: Page, url: str) -> Page:
    page.goto(url)
    wait_until_idle(page)
    page.locator("h1").first.wait_for()
    return page


@pytest.fixture(scope="module")
def visitor(browser: Browser, demo_server: Server) -> Iterator[Callable[[str], Page]]:
    """`visitor(role)`: the page of a visitor in that role, the same one for each test."""
    pages: dict[str, Page] = {}

    def of_role(role: str) -> Page:
        if role not in pages:
            context = browser.new_context(viewport=DESK, locale="zh-CN")
            context.set_default_timeout(60_000)
            pages[role] = context.new_page()
            pages[role].request.post(f"{demo_server.url}/auth/demo", form={"role": role})
        return pages[role]

    yield of_role
    for page in pages.values():
        page.context.close()


@pytest.mark.parametrize(("name", "role"), PAGES)
def test_every_page_is_free_of_barriers_and_fits_each_screen(
    visitor: Callable[[str], Page], demo_server: Server, name: str, role: str
) -> None:
    page = visitor(role)
    page.set_viewport_size(DESK)
    opened(page, f"{demo_server.url}/{name}")
    expect(page.get_by_text("演示数据").first).to_be_attached()
    expect(page.locator("[data-testid=stException]")).to_have_count(0)
    assert beyond_the_edge(page) == []
    assert serious_problems(page) == []
    page.set_viewport_size(ZOOMED)
    assert beyond_the_edge(page) == []
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark")
    assert beyond_the_edge(page) == []
    assert serious_problems(page) == []
    page.emulate_media(color_scheme="light")


def beyond_the_edge(page: Page) -> list[str]:
    """What of a page lies beyond the right edge where nobody can scroll to it, settled first."""
    wait_until_idle(page)
    # The layout follows a changed size only when the browser has drawn again.
    page.evaluate("() => new Promise(done => setTimeout(done, 300))")
    found: list[str] = page.evaluate(BEYOND)
    return found


def test_a_link_opens_the_same_view_for_somebody_else(official: Page, demo_server: Server) -> None:
    opened(official, f"{demo_server.url}/city?city=420500&wave=main-2023")
    expect(official.get_by_text("宜昌").first).to_be_visible()
    assert "wave=main-2023" in official.url
    expect(official.get_by_role("combobox", name="批次")).to_have_value(re.compile("2023年"))


def test_tables_and_pictures_can_be_taken_away(
    official: Page, demo_server: Server, tmp_path: Path
) -> None:
    opened(official, f"{demo_server.url}/overview")
    official.get_by_role("button", name="说明与数据").first.click()
    expect(official.get_by_role("table").first).to_be_visible()
    with official.expect_download() as table:
        official.get_by_role("button", name="下载表格（CSV）").first.click()
    content = Path(table.value.path()).read_text(encoding="utf-8-sig")
    assert "演示数据" in content
    assert "95" in content

    assert (
        not official.get_by_test_id("stElementToolbar")
        .get_by_role("button", name="下载图片")
        .count()
    )

    def take_picture(choice: str) -> bytes:
        official.get_by_role("button", name="下载图片").first.click()
        with official.expect_download() as picture:
            official.get_by_role("menuitem", name=choice).click()
        assert "演示数据" in picture.value.suggested_filename
        return Path(picture.value.path()).read_bytes()

    image = Image.open(io.BytesIO(take_picture("PNG，用于文稿和幻灯片")))
    assert image.format == "PNG"
    assert image.width == pytest.approx(16 / 2.54 * 300, abs=10)
    assert take_picture("PDF，用于印刷").startswith(b"%PDF")
    assert take_picture("SVG，用于排版软件").startswith(b"<svg")
    assert len(image.convert("L").getcolors() or []) > 10


def test_english_and_large_text_stay_from_page_to_page(official: Page, demo_server: Server) -> None:
    opened(official, f"{demo_server.url}/overview?lang=en")
    expect(official.get_by_role("heading", name="National overview")).to_be_visible()


def test_nobody_reads_results_without_signing_in(browser: Browser, demo_server: Server) -> None:
    """A bare page without a line to the server; after signing in, the page that was asked for."""
    stranger = browser.new_page(locale="zh-CN")
    lines: list[object] = []
    stranger.on("websocket", lambda line: lines.append(line))
    stranger.goto(f"{demo_server.url}/city?city=320500&large=1")
    expect(stranger.get_by_text("请先登录")).to_be_visible()
    expect(stranger.get_by_text("95% 区间")).to_have_count(0)
    assert serious_problems(stranger) == []
    stranger.get_by_role("link", name="English").click()
    expect(stranger.get_by_role("heading", name="Please sign in first")).to_be_visible()
    assert (stranger.locator("script").count(), lines) == (0, [])
    stranger.get_by_role("button", name="National official").click()
    wait_until_idle(stranger)
    assert "/city?city=320500&lang=en&large=1" in stranger.url
    expect(stranger.get_by_role("heading", name="City profile")).to_be_visible()
    stranger.close()


def test_signing_out_elsewhere_brings_an_open_page_to_the_way_in(
    official: Page, demo_server: Server
) -> None:
    opened(official, f"{demo_server.url}/overview?lang=en")
    official.request.post(f"{demo_server.url}/auth/logout")
    way_in = official.get_by_role("heading", name="Please sign in first")
    expect(way_in).to_be_visible(timeout=4 * CHECK_SECONDS * 1000)
    assert "/overview?lang=en" in official.url


def test_an_answer_given_on_a_phone_arrives_at_the_surveyors_page(
    browser: Browser, demo_server: Server
) -> None:
    desk = browser.new_context(locale="zh-CN").new_page()
    desk.set_default_timeout(60_000)
    desk.request.post(f"{demo_server.url}/auth/demo", form={"role": "surveyor"})
    opened(desk, f"{demo_server.url}/tasks")
    link = desk.get_by_text(re.compile("/q/")).first.inner_text().strip()
    phone = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN").new_page()
    respondent = Respondent(phone)
    respondent.open(link)
    respondent.finish({"consent": "no"})
    expect(desk.get_by_text("已完成").first).to_be_visible()
    desk.context.close()
    phone.context.close()
