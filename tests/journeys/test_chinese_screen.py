"""On a Chinese screen every word is Chinese, Streamlit's own too, and on an English one English."""

import re
from collections.abc import Iterator
from datetime import date

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from survey.locale import translator
from survey.settings import PROJECT_ROOT, Settings
from tests.journeys.app_page import wait_until_idle
from tests.journeys.staff import sign_in_administrator
from tests.server_process import Server

zh = translator("zh")
SLOW = 60_000
PAGES = (
    "", "overview", "city?city=320500", "city?city=320500&part=measures",
    "special-groups?study=reports", "urban-rural", "trends", "crosstab", "progress", "review",
    "bulk-import", "plan", "questionnaires", "method", "export", "releases", "users", "audit",
)  # fmt: skip
ALLOWED = re.compile(
    r"[\w-]+\.(?:xlsx|csv|zip)|English|SDMX|ZIP|CSV|Word|XLSX?|XLSForm|TXT|TSV|PDF|PNG|JPE?G|WEBP|SVG|ODK|KoboToolbox|Excel|Parquet|SHA-256"
    r"|Enter|Shift|Tab|Esc|Admin|journey-administrator|(main|pilot|cca|elderly|minors|village)-\d{4}|AAPOR|COOP1|REF1|RR1|RR3|Kish"
    r"|Benjamini|Hochberg|Fay|Herriot|Johnson|Rao|Wu|Wilson"
    r"|clearly above Nation|Korn|Graubard|Franco|Jeffreys|Brown|Lahiri"
    r"|survey (audit export|freeze --wave|recompute --wave)|/tmp/\S+"
)
"""Names of products, files, keys, people, waves, measures, commands and folders."""
MEASURES = pd.read_csv(PROJECT_ROOT / "seed" / "instruments" / "measures.csv", dtype=str)
CODES = {
    code
    for column in ("item", "choices")
    for codes in MEASURES[column].dropna()
    for code in codes.split()
}
WITHOUT_QUESTIONNAIRE = re.compile(rf"synthetic|2020 census|\b({'|'.join(sorted(CODES))})\b")
"""What the page of the method shows of a made-up wave, whose questionnaire nobody wrote."""
LATIN = re.compile(r"[A-Za-z]{3,}|\d{4}-\d{2}-\d{2}")
"""Words, and days in the form of files for machines."""
TEXTS = """() => {
  const found = new Set();
  const data = "style, script, noscript, .katex-mathml, .katex .mop, .katex .mathrm, code, " +
    "[data-testid^=glide-cell], " +
    "[data-testid=stIconMaterial], [data-testid=stAlertDynamicIcon], .hcs-trail details, canvas";
  const attributes = ["aria-label", "aria-roledescription", "aria-valuetext", "title",
    "placeholder", "alt"];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ALL);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement;
    if (!element || element.closest(data)) continue;
    if (node.nodeType === Node.TEXT_NODE) found.add(node.data.trim());
    else attributes.forEach(name => found.add((element.getAttribute(name) || "").trim()));
  }
  return [...found];
}"""


@pytest.fixture
def desk(browser: Browser, results_server: Server) -> Iterator[Page]:
    """An administrator whose browser is English: the page's language is the reader's choice."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    settings = Settings(data_dir=results_server.data_dir, database_url="", demo=True)
    sign_in_administrator(context, settings, results_server.url)
    context.set_default_timeout(SLOW)
    page = context.new_page()
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    yield page
    context.close()
    assert not failures


def _open(page: Page, address: str) -> None:
    page.goto(address)
    wait_until_idle(page)
    page.locator("h1").first.wait_for()


def _switch(desk: Page, language: str, title: str) -> None:
    """Choose a language, and wait until the page stands in it and its run is over."""
    desk.get_by_role("radio", name=language).click()
    expect(desk.get_by_role("heading", name=title, exact=True, level=1)).to_be_visible()
    wait_until_idle(desk)


def _english_texts(page: Page) -> set[str]:
    texts: list[str] = page.evaluate(TEXTS)
    return {text for text in texts if LATIN.search(ALLOWED.sub("", text))}


def test_no_page_shows_a_word_of_streamlits(desk: Page, results_server: Server) -> None:
    left: dict[str, set[str]] = {}
    for name in PAGES:
        _open(desk, f"{results_server.url}/{name}")
        charts = desk.locator(".stVegaLiteChart")
        for index in range(charts.count()):
            charts.nth(index).locator("svg").wait_for()
        texts = _english_texts(desk)
        if name == "method":
            texts = {text for text in texts if LATIN.search(WITHOUT_QUESTIONNAIRE.sub("", text))}
        if texts:
            left[name] = texts
    assert left == {}
    assert desk.evaluate("document.documentElement.lang") == "zh-CN"


def test_what_opens_in_a_page_is_chinese_as_well(desk: Page, results_server: Server) -> None:
    """Calendar, list, column menu, dialog of a missing page: none of them is there at first."""
    _open(desk, f"{results_server.url}/audit")
    desk.get_by_test_id("stDateInput").first.get_by_role("button", name="选择日期").click()
    calendar = desk.get_by_test_id("stDateInputCalendar")
    expect(calendar.get_by_role("button", name="下个月")).to_be_visible()
    expect(calendar).to_contain_text(f"{date.today().year}年")
    assert _english_texts(desk) == set()
    _open(desk, f"{results_server.url}/overview")
    desk.get_by_role("combobox", name=zh("Wave")).fill("zzz")
    expect(desk.get_by_text(zh("No results"))).to_be_visible()
    assert _english_texts(desk) == set()
    _open(desk, f"{results_server.url}/users")
    table = desk.get_by_test_id("stDataFrame")
    table.hover()
    table.get_by_role("button", name=re.compile("^全屏：")).wait_for()
    table.get_by_role("button", name=re.compile("^显示或隐藏列：")).click()
    expect(desk.get_by_text(zh("Select all"), exact=True)).to_be_visible()
    assert _english_texts(desk) == set()
    desk.goto(f"{results_server.url}/no-such-page")
    expect(desk.get_by_role("heading", name=zh("Page not found"))).to_be_visible()
    expect(desk.get_by_role("dialog").get_by_role("button", name=zh("Close"))).to_be_visible()
    assert _english_texts(desk) == set()


def test_the_words_change_with_the_readers_language_and_data_stay(
    desk: Page, results_server: Server
) -> None:
    _open(desk, f"{results_server.url}/audit?lang=en")
    field = desk.get_by_test_id("stDateInput").first
    expect(field).to_contain_text("yyyy")
    assert desk.evaluate("[document.documentElement.lang, navigator.language]") == ["en", "en"]
    _switch(desk, "中文", zh("Audit"))
    expect(field).to_contain_text("年")
    expect(field).not_to_contain_text("yyyy")
    assert desk.evaluate("document.documentElement.lang") == "zh-CN"
    _switch(desk, "English", "Audit")
    expect(field).to_contain_text("yyyy")
    # A word of Streamlit's that stands in our own text is data and stays.
    _switch(desk, "中文", zh("Audit"))
    expect(field).to_contain_text("年")
    added = desk.evaluate(
        """() => { const line = document.createElement("p"); line.textContent = "Close";
          document.querySelector("[data-testid=stMain]").append(line);
          return new Promise(done => setTimeout(() => done(line.textContent), 0)); }"""
    )
    assert added == "Close"


def test_a_lost_line_is_told_in_chinese(desk: Page, results_server: Server) -> None:
    _open(desk, f"{results_server.url}/overview")
    # What a page fetches when it is first needed is there before the server goes.
    for chart in desk.locator(".stVegaLiteChart").all():
        chart.locator("svg").first.wait_for()
    desk.wait_for_load_state("networkidle")
    results_server.stop()
    try:
        expect(desk.get_by_role("heading", name=zh("Connection error"))).to_be_visible()
        dialog = desk.get_by_role("dialog")
        expect(dialog).to_contain_text("服务器没有回应")
        assert _english_texts(desk) == set()
    finally:
        results_server.start()
