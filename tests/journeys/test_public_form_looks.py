"""The form is readable, reachable and light: sizes, contrast, roles, bytes."""

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from survey.locale import translator
from tests.server_process import LivePlatform, Respondent, serious_problems

zh = translator("zh")
FIRST_LOAD = 60_000
TEXT_SIZES = """() => {
  const sizes = [];
  const walker = document.createTreeWalker(document.querySelector(".sf"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    const hidden = node.closest(".sf-live, script") || !node.getClientRects().length;
    if (!hidden && walker.currentNode.textContent.trim()) {
      sizes.push([parseFloat(getComputedStyle(node).fontSize), walker.currentNode.textContent]);
    }
  }
  return sizes;
}"""
TARGETS = """() => Array.from(document.querySelectorAll(
  ".sf button, .sf .sf-option, .sf .sf-field, .sf select"
)).map(node => {
  const box = node.getBoundingClientRect();
  return [Math.min(box.width, box.height), box.width, box.height, node.textContent];
})"""
ROWS = """() => {
  const scale = document.querySelector("[data-item=product_range] .sf-scale");
  const boxes = Array.from(scale.querySelectorAll(".sf-option"))
    .map(node => node.getBoundingClientRect());
  const rows = {};
  boxes.forEach(box => { rows[Math.round(box.top)] = (rows[Math.round(box.top)] || 0) + 1; });
  return [Object.values(rows), Math.min(...boxes.map(box => Math.min(box.width, box.height)))];
}"""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def at_ratings(live: LivePlatform, respondent: Respondent, complete: dict[str, object]) -> None:
    respondent.open(live.invite())
    respondent.answer_until("product_range", complete)


@pytest.mark.parametrize(
    ("width", "rows"), [(320, [5, 5]), (360, [5, 5]), (390, [5, 5]), (600, [10]), (1440, [10])]
)
def test_the_scale_is_a_neat_grid_at_every_width(
    live_server: LivePlatform,
    page: Page,
    respondent: Respondent,
    complete: dict[str, object],
    width: int,
    rows: list[int],
) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    at_ratings(live_server, respondent, complete)
    shown_rows, smallest = page.evaluate(ROWS)
    assert shown_rows == rows
    assert smallest >= 44
    assert page.evaluate(OVERFLOW) == 0


def test_every_target_is_large_enough(
    live_server: LivePlatform, page: Page, respondent: Respondent, complete: dict[str, object]
) -> None:
    at_ratings(live_server, respondent, complete)
    assert [each for each in page.evaluate(TARGETS) if each[0] < 44] == []


def test_large_text_asks_one_question_at_a_time_and_stays(
    live_server: LivePlatform,
    context: BrowserContext,
    page: Page,
    respondent: Respondent,
    complete: dict[str, object],
) -> None:
    at_ratings(live_server, respondent, complete)
    page.get_by_role("button", name=zh("Large text")).click()
    expect(page.locator("[data-item]")).to_have_count(1)
    assert [each for each in page.evaluate(TEXT_SIZES) if each[0] < 18] == []
    assert [each for each in page.evaluate(TARGETS) if each[0] < 60] == []
    assert page.evaluate(OVERFLOW) == 0
    page.close()
    again = Respondent(context.new_page())
    again.open(live_server.invite())
    expect(again.page.locator("[data-item]")).to_have_count(1)
    again.finish(complete)
    expect(again.page.locator(".sf-heading")).to_have_text(zh("Received. Thank you!"))


def test_reading_aloud_uses_the_browsers_voice(
    live_server: LivePlatform, page: Page, respondent: Respondent
) -> None:
    page.add_init_script(
        """
        window.spoken = [];
        window.SpeechSynthesisUtterance = function (text) { this.text = text; };
        Object.defineProperty(window, "speechSynthesis", {value: {
          getVoices: () => [{lang: "zh-CN", name: "test"}],
          speak: utterance => window.spoken.push(utterance.text),
          cancel: () => {}, addEventListener: () => {}, removeEventListener: () => {},
        }});
        """
    )
    respondent.open(live_server.invite())
    expect(page.get_by_role("button", name=zh("Read aloud"))).to_have_count(0)
    page.get_by_role("button", name=zh("Large text")).click()
    page.get_by_role("button", name=zh("Read this question to me")).click()
    question = respondent.item("consent").locator(".sf-label").inner_text()
    assert question in page.evaluate("window.spoken[0]")
    page.get_by_role("button", name=zh("Read aloud")).click()
    respondent.choose("consent", "yes")
    respondent.go_on()
    following = respondent.item("lived_6m").locator(".sf-label").inner_text()
    assert following in page.evaluate("window.spoken.pop()")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_barrier_while_answering(
    live_server: LivePlatform,
    page: Page,
    respondent: Respondent,
    complete: dict[str, object],
    scheme: str,
) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    respondent.open(live_server.invite())
    respondent.go_on()
    assert serious_problems(page) == []
    respondent.answer_until("product_range", complete)
    respondent.choose("product_range", 3)
    respondent.choose("substitutes", "na")
    assert serious_problems(page) == []
    page.get_by_role("button", name="English").click()
    page.get_by_role("button", name="Large text").click()
    assert serious_problems(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_barrier_at_the_end_and_at_the_edges(
    live_server: LivePlatform,
    context: BrowserContext,
    page: Page,
    respondent: Respondent,
    scheme: str,
) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    url = live_server.invite()
    respondent.open(url)
    respondent.answer_screen({"consent": "no"})
    assert serious_problems(page) == []
    context.set_offline(True)
    respondent.go_on()
    page.get_by_role("button", name=zh("Send now")).wait_for()
    assert serious_problems(page) == []
    context.set_offline(False)
    expect(page.locator(".sf-heading")).to_have_text(zh("Received. Thank you!"))
    assert serious_problems(page) == []
    for address in (url, f"{live_server.url}/q/unknown", f"{live_server.url}/auth/demo"):
        page.goto(address)
        assert serious_problems(page) == []


def test_the_first_load_is_light_on_the_wire(
    live_server: LivePlatform, context: BrowserContext, page: Page, respondent: Respondent
) -> None:
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    received: list[int] = []
    addresses: list[str] = []
    network.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    network.on("Network.requestWillBeSent", lambda event: addresses.append(event["request"]["url"]))
    respondent.open(live_server.invite())
    page.wait_for_load_state("networkidle")
    outside = [each for each in addresses if not each.startswith((live_server.url, "data:"))]
    assert outside == []
    assert len(received) >= 4
    assert sum(received) <= FIRST_LOAD


def test_words_of_people_are_never_run(
    live_server: LivePlatform, page: Page, respondent: Respondent, complete: dict[str, object]
) -> None:
    """Text of respondents goes back on the screen as text, whatever it looks like."""
    respondent.open(live_server.invite())
    respondent.answer_until("comment", complete)
    respondent.fill("comment", "<img src=x onerror=alert(1)>${consent}")
    page.reload()
    field = respondent.item("comment").locator(".sf-field")
    expect(field).to_have_value("<img src=x onerror=alert(1)>${consent}")
    assert page.locator("main img").count() == 0
