"""In the field: a quota that closes, one code for one phone, interviews without a network."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlmodel import select

from survey.locale import translator
from survey.store.engine import session_scope
from survey.store.tables import QuotaCell
from tests.server_process import LivePlatform, Respondent

zh = translator("zh")
KEPT = "Object.keys(localStorage).filter(key => /draft|outbox|page:(?!code)/.test(key))"
ONLINE = "() => window.dispatchEvent(new Event('online'))"
COVER = """() => {
  const dialog = document.createElement("section");
  const close = document.createElement("button");
  const root = document.getElementById("root");
  dialog.setAttribute("role", "dialog");
  close.onclick = () => { root.removeAttribute("inert"); dialog.remove(); };
  dialog.append(close);
  document.body.append(dialog);
  root.setAttribute("inert", "");
}"""
"""What Streamlit does by itself when its server has been gone for a while."""
AWAY = """() => document.querySelector("[data-test-connection-state]")
  .getAttribute("data-test-connection-state") !== "CONNECTED\""""
RECEIVED = zh("Received. Thank you!")


@pytest.fixture
def room(live_server: LivePlatform) -> Iterator[None]:
    """Afterwards there is room again for women from 35 to 44."""
    yield
    _leave_room(live_server, 50)


def _leave_room(live: LivePlatform, places: int) -> None:
    with session_scope(live.settings.store_url) as session:
        query = select(QuotaCell).where(QuotaCell.age_band == "35-44", QuotaCell.gender == "female")
        cell = session.exec(query).one()
        cell.target = cell.collected + places


def heading(page: Page) -> str:
    return page.locator(".sf-heading").inner_text()


def test_a_quota_that_closes(
    live_server: LivePlatform,
    context: BrowserContext,
    page: Page,
    respondent: Respondent,
    complete: dict[str, object],
    room: None,
) -> None:
    """The last place goes while she answers: she is told so, the next is spared the questions."""
    respondent.open(live_server.invite())
    respondent.answer_until("product_range", complete)
    _leave_room(live_server, 0)
    respondent.finish(complete)
    expect(page.locator(".sf-heading")).to_have_text(RECEIVED)
    expect(page.locator(".sf-closing")).to_contain_text("不计入得分")
    response, revision = live_server.responses()[-1]
    assert response.status == "quota_full"
    assert revision.answers["product_range"] is not None

    third = Respondent(context.new_page())
    third.open(live_server.invite())
    third.answer_until("gender", complete)
    third.answer_screen(complete)
    third.go_on()
    expect(third.page.locator(".sf-heading")).to_have_text(zh("Thank you, that is all we need"))
    third.page.get_by_role("button", name=zh("Back")).click()
    expect(third.item("gender")).to_be_visible()
    third.go_on()
    third.page.get_by_role("button", name=zh("Finish")).click()
    expect(third.page.locator(".sf-heading")).to_have_text(RECEIVED)
    response, revision = live_server.responses()[-1]
    assert response.status == "quota_full"
    assert "product_range" not in revision.answers

    fourth = Respondent(context.new_page())
    fourth.open(live_server.invite())
    fourth.answer_until("gender", complete)
    fourth.answer_screen(complete)
    fourth.go_on()
    expect(fourth.page.locator(".sf-heading")).to_have_text(zh("Thank you, that is all we need"))
    _leave_room(live_server, 5)
    fourth.page.get_by_role("button", name=zh("Finish")).click()
    # Not only gone from the last page: while answers are on their way another heading stands there.
    expect(fourth.item("product_range")).to_be_visible()
    assert fourth.page.locator("[aria-invalid=true]").count() == 0
    fourth.finish(complete)
    expect(fourth.page.locator(".sf-heading")).to_have_text(RECEIVED)
    response, revision = live_server.responses()[-1]
    assert response.status == "submitted"
    assert revision.answers["product_range"] is not None


def test_a_second_phone_is_refused_and_the_first_goes_on(
    live_server: LivePlatform,
    browser: Browser,
    context: BrowserContext,
    page: Page,
    respondent: Respondent,
    complete: dict[str, object],
) -> None:
    url = live_server.invite()
    with page.expect_response(
        lambda answer: answer.request.method == "POST" and "/q/" in answer.url
    ):
        respondent.open(url)
    respondent.answer_until("product_range", complete)
    other = browser.new_context(locale="zh-CN")
    elsewhere = other.new_page()
    answer = elsewhere.goto(url)
    assert answer is not None
    assert answer.status == 409
    assert heading(elsewhere) == zh("This link was opened on another device")
    other.close()
    page.reload()
    expect(respondent.item("product_range")).to_be_visible()
    context.clear_cookies()
    page.reload()
    expect(respondent.item("product_range")).to_be_visible()


def test_a_tab_that_keeps_nothing_but_itself_is_recognised_by_it(
    live_server: LivePlatform, context: BrowserContext, page: Page, respondent: Respondent
) -> None:
    page.add_init_script(
        """Object.defineProperty(window, "localStorage", {get() { throw new Error("denied"); }})"""
    )
    with page.expect_response(
        lambda answer: answer.request.method == "POST" and "/q/" in answer.url
    ):
        respondent.open(live_server.invite())
    context.clear_cookies()
    page.reload()
    expect(respondent.item("consent")).to_be_visible()


def test_a_reload_without_a_network_goes_on_and_is_sent_later(
    live_server: LivePlatform, page: Page, respondent: Respondent
) -> None:
    before = len(live_server.responses())
    respondent.open(live_server.invite())
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function(
        """async () => (await (await caches.open("survey-questionnaires")).keys()).length > 0"""
    )
    respondent.answer_until("lived_6m", {"consent": "yes"})
    live_server.server.stop()
    try:
        page.reload()
        expect(respondent.item("lived_6m")).to_be_visible()
        respondent.finish({"lived_6m": "no"})
        expect(page.get_by_text(zh("1 interview waiting to be sent"))).to_be_visible()
    finally:
        live_server.server.start()
    page.evaluate(ONLINE)
    expect(page.locator(".sf-heading")).to_have_text(RECEIVED, timeout=70_000)
    (stored,) = live_server.responses()[before:]
    assert stored[0].status == "screened_out"
    assert page.evaluate(KEPT) == []


def test_a_surveyor_goes_on_asking_while_the_platform_is_away(
    live_server: LivePlatform, page: Page
) -> None:
    """Streamlit covers the page; the form frees itself, goes on alone, and sends all later."""
    page.request.post(
        f"{live_server.url}/auth/demo", form={"role": "surveyor", "next": "/interview"}
    )
    asking = Respondent(page)
    asking.open(live_server.interview)
    before = len(live_server.responses())
    live_server.server.stop()
    try:
        page.wait_for_function(AWAY)
        page.evaluate(COVER)
        asking.finish({"consent": "no"})
        page.get_by_role("button", name=zh("Start the next interview")).click()
        asking.finish({"consent": "no"})
        waiting = zh("{count} interviews waiting to be sent").format(count=2)
        expect(page.get_by_text(waiting)).to_be_visible()
    finally:
        live_server.server.start()
    page.wait_for_function(
        f"() => {{ ({ONLINE})(); return ({KEPT}).length === 0; }}", timeout=60_000
    )
    assert [row.status for row, _ in live_server.responses()[before:]] == ["refused"] * 2
