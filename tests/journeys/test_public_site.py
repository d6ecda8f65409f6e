"""The public site in a browser: by everybody's eyes, ears and keys, and a journalist's article."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from survey.web.site_endpoints import content_policy
from tests.pdf_reading import run_poppler
from tests.publish.publications.register_steps import KEY, WAVE
from tests.published_store import build_site, publish_store

CITY = "320500"
FIGURE = f"{WAVE}-{CITY}-1.1-all-score"
MAX_VIEW_BYTES = 100_000
KINDS = (
    "",
    "en/",
    "verify/",
    f"{WAVE}/",
    f"{WAVE}/topics/",
    f"{WAVE}/{CITY}/",
    f"en/{WAVE}/{CITY}/#{FIGURE}",
    f"{WAVE}/charts/{CITY}/",
    f"{WAVE}/tables/cities/",
)
"""One page of each kind."""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class _Handler(SimpleHTTPRequestHandler):
    """A plain web server that sends the policy of the product's own."""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", content_policy(self.path.split("?")[0]))
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is written while it answers."""


def _serve(folder: Path, handler: type[SimpleHTTPRequestHandler]) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the site of one release."""
    root = tmp_path_factory.mktemp("public")
    server = _serve(root, _Handler)
    address = f"http://127.0.0.1:{server.server_address[1]}"
    build_site(publish_store(root / "store"), address, root / "data")
    yield f"{address}/data/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def desk(browser: Browser) -> Iterator[Page]:
    """A page on a desk, on which no script fails and nothing is refused by the policy."""
    failures: list[str] = []
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    page = context.new_page()
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("console", lambda said: failures.append(said.text) if said.type == "error" else None)
    yield page
    context.close()
    assert not failures, failures


@pytest.mark.parametrize(
    ("width", "scheme", "scale"),
    [(1440, "light", 1), (390, "dark", 1), (720, "light", 2)],
    ids=["desk", "phone-dark", "twice-as-large"],
)
def test_axe_finds_nothing_and_nothing_sticks_out(
    browser: Browser, site: str, width: int, scheme: Any, scale: int
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, device_scale_factor=scale
    )
    page = context.new_page()
    for kind in KINDS:
        page.goto(f"{site}{kind}")
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        found = Axe().run(page).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"][:150]) for each in found] == [], kind
        assert page.evaluate(OVERFLOW) == 0, kind
    context.close()


def test_the_first_view_is_small_and_asks_nobody_else(desk: Page, site: str) -> None:
    loaded: dict[str, int] = {}
    desk.on("response", lambda answer: loaded.update({answer.url: len(answer.body())}))
    for kind in KINDS:
        loaded.clear()
        desk.goto(f"{site}{kind}", wait_until="networkidle")
        assert all(url.startswith((site, "data:")) for url in loaded), loaded
        assert 0 < sum(loaded.values()) <= MAX_VIEW_BYTES, (kind, loaded)


def test_without_script_every_table_link_and_figure_is_there(browser: Browser, site: str) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(site)
    assert page.locator("main input, main button").count() == 0
    page.get_by_role("link", name="苏州", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("苏州")
    panel = page.get_by_role("complementary", name="引用或核验这一个数字。")
    expect(panel).to_be_hidden()
    page.locator(f'[id="{FIGURE}"]').get_by_role("link").click()
    assert page.url.endswith(f"{CITY}/#{FIGURE}")
    expect(panel).to_be_visible()
    expect(panel).to_contain_text(KEY)
    panel.get_by_role("link", name="关闭").click()
    expect(panel).to_be_hidden()
    context.close()


def test_a_reader_who_does_not_see_hears_a_city_in_order(desk: Page, site: str) -> None:
    desk.goto(f"{site}{WAVE}/{CITY}/")
    heard = desk.locator("body").aria_snapshot()
    places = [
        heard.find(said)
        for said in (
            'link "跳到正文"', 'complementary "演示数据"', "banner", "main",
            'heading "苏州" [level=1]', "满分 100 分；95% 置信区间", "项高于全国", "与全国的差值",
            'img "第 2 级的', 'heading "指标" [level=2]', 'columnheader "指标"',
            'columnheader "得分"', 'columnheader "区间"', 'columnheader "份数"',
            'rowheader "1 消费供给"', 'heading "不同人群" [level=2]',
            'heading "引用方式" [level=2]', 'heading "咨询" [level=2]', "contentinfo",
        )
    ]  # fmt: skip
    assert -1 not in places, (places, heard[:1500])
    assert places == sorted(places)
    answer = desk.locator(".answer").inner_text()
    assert " 至 " in answer
    assert "份" in answer
    chart = desk.get_by_role("img", name="抽样误差")
    assert "项高于全国" in (chart.get_attribute("aria-label") or "")


def test_the_keys_alone_reach_search_sorting_and_the_lines_of_a_chart(
    desk: Page, site: str
) -> None:
    desk.goto(f"{site}{WAVE}/")
    desk.keyboard.press("Tab")
    expect(desk.get_by_role("link", name="跳到正文")).to_be_focused()
    cities = desk.locator("#cities")
    search = cities.get_by_role("searchbox", name="按名称查找")
    search.focus()
    desk.keyboard.type("苏")
    shown = cities.locator("tbody tr:visible")
    assert "苏州" in shown.all_inner_texts()[0]
    everything = cities.locator("tbody tr").count()
    expect(cities.get_by_role("status")).to_have_text(
        f"共 {everything} 项，找到 {shown.count()} 项"
    )
    assert 0 < shown.count() < everything
    desk.keyboard.press("ControlOrMeta+a")
    desk.keyboard.press("Delete")
    expect(cities.get_by_role("status")).to_have_text("")
    desk.keyboard.press("Tab")
    head = cities.get_by_role("columnheader", name="城市")
    expect(head.get_by_role("button")).to_be_focused()
    desk.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    desk.keyboard.press("Tab")
    desk.keyboard.press("Enter")
    desk.keyboard.press("Enter")
    score = cities.get_by_role("columnheader", name="得分")
    expect(score).to_have_attribute("aria-sort", "ascending")
    assert head.get_attribute("aria-sort") is None
    scores = [float(text) for text in cities.locator("tbody td:nth-child(2)").all_inner_texts()]
    assert scores == sorted(scores)

    desk.goto(f"{site}{WAVE}/{CITY}/")
    chart = desk.locator("svg.chart")
    chart.focus()
    note = desk.locator(".tip")
    desk.keyboard.press("ArrowDown")
    expect(note).to_contain_text("1 消费供给")
    expect(note).to_contain_text("全国：")
    desk.keyboard.press("ArrowUp")
    last = note.inner_text()
    assert "1 消费供给" not in last
    desk.keyboard.press("Escape")
    expect(note).to_be_hidden()
    desk.locator("svg.chart .l").nth(1).hover()
    expect(note).to_contain_text("1.1 ")


def test_a_city_is_one_page_of_paper(desk: Page, site: str) -> None:
    for language in ("", "en/"):
        desk.goto(f"{site}{language}{WAVE}/{CITY}/")
        paper = desk.pdf(prefer_css_page_size=True)
        said = run_poppler("pdfinfo", paper)
        assert "Pages:           1\n" in said
        assert "(A4)" in said
    desk.goto(f"{site}en/{WAVE}/")
    # English: a machine without a Chinese typeface prints boxes.
    text = run_poppler("pdftotext", desk.pdf(prefer_css_page_size=True))
    assert "Suzhou" in text
    assert "Demonstration data" in text
    assert "iframe" not in text


def test_a_journalist_puts_a_chart_into_her_article(
    context: BrowserContext, page: Page, site: str, tmp_path: Path
) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(site)
    page.get_by_role("searchbox", name="按名称查找").fill("苏州")
    page.get_by_role("link", name="苏州", exact=True).click()
    page.get_by_text("图表下载与嵌入").scroll_into_view_if_needed()
    page.locator("summary", has_text="苏州").click()
    lines = page.locator("details pre").all_inner_texts()
    assert len(lines) == 2
    page.locator("#cite .cite").click()
    citation = page.evaluate("getSelection().toString()").strip()
    assert KEY in citation
    assert citation.endswith("苏州。")
    article = "<!doctype html><meta charset=utf-8><title>报道</title>" + "".join(lines)
    (tmp_path / "article.html").write_text(f"{article}<p>{citation}</p>", "utf-8")
    paper = _serve(tmp_path, SimpleHTTPRequestHandler)
    try:
        read = context.new_page()
        read.goto(f"http://127.0.0.1:{paper.server_address[1]}/article.html")
        chart, table = (read.frame_locator("iframe").nth(number) for number in (0, 1))
        for frame in (chart, table):
            expect(frame.locator(".demo")).to_contain_text("演示数据")
            expect(frame.locator("footer")).to_contain_text("来源：")
            expect(frame.locator("footer")).to_contain_text(KEY)
        image = chart.locator("img")
        assert image.evaluate("node => node.complete && node.naturalWidth > 0")
        assert "项高于全国" in (image.get_attribute("alt") or "")
        assert image.evaluate("node => node.currentSrc").endswith("-narrow.svg")
        expect(table.get_by_role("row").nth(1)).to_contain_text("–")
        height = read.locator("iframe").first.evaluate("node => node.clientHeight")
        assert chart.locator("html").evaluate("node => node.scrollHeight") <= height
        expect(read.get_by_text(citation)).to_be_visible()
        # Any other page of the site may not be framed.
        (tmp_path / "other.html").write_text(f'<iframe src="{site}{WAVE}/"></iframe>', "utf-8")
        read.goto(f"http://127.0.0.1:{paper.server_address[1]}/other.html")
        expect(read.frame_locator("iframe").locator("body")).to_have_count(1)
        expect(read.frame_locator("iframe").locator(".answer")).to_have_count(0)
    finally:
        paper.shutdown()
        paper.server_close()
