"""Nothing that was answered is lost: reload, dead network, dead server, shared tablet."""

import uuid
from contextlib import suppress

from playwright.sync_api import BrowserContext, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from survey.locale import translator
from tests.server_process import LivePlatform, Respondent

zh = translator("zh")
DRAFTS = "Object.keys(localStorage).filter(key => /draft|outbox/.test(key))"


def stored_since(live: LivePlatform, before: int) -> list[dict[str, object]]:
    return [revision.answers for _, revision in live.responses()[before:]]


def test_a_draft_survives_a_reload_and_a_new_tab(
    live_server: LivePlatform,
    context: BrowserContext,
    page: Page,
    respondent: Respondent,
    complete: dict[str, object],
) -> None:
    url = live_server.invite()
    respondent.open(url)
    respondent.answer_until("product_range", complete)
    respondent.choose("product_range", 9)
    page.reload()
    expect(respondent.item("product_range").locator('input[value="9"]')).to_be_checked()
    expect(page.get_by_text(zh("Your earlier answers are here. You can carry on."))).to_be_visible()
    page.close()
    again = Respondent(context.new_page())
    again.open(url)
    expect(again.item("product_range").locator('input[value="9"]')).to_be_checked()
    again.finish(complete)
    expect(again.page.locator(".sf-heading")).to_have_text(zh("Received. Thank you!"))
    assert again.page.evaluate(DRAFTS) == []


def test_starting_over_forgets_the_draft(
    live_server: LivePlatform, page: Page, respondent: Respondent, complete: dict[str, object]
) -> None:
    respondent.open(live_server.invite())
    respondent.answer_until("product_range", complete)
    page.reload()
    page.get_by_role("button", name=zh("Start over")).click()
    page.get_by_role("button", name=zh("Delete"), exact=True).click()
    expect(respondent.item("consent").locator("input:checked")).to_have_count(0)


def test_without_a_network_the_interview_waits_and_is_sent_once(
    live_server: LivePlatform,
    context: BrowserContext,
    page: Page,
    respondent: Respondent,
    complete: dict[str, object],
) -> None:
    before = len(live_server.responses())
    respondent.open(live_server.invite())
    respondent.answer_until("product_range", complete)
    context.set_offline(True)
    respondent.finish(complete)
    expect(page.get_by_text(zh("1 interview waiting to be sent"))).to_be_visible()
    assert stored_since(live_server, before) == []
    context.set_offline(False)
    expect(page.locator(".sf-heading")).to_have_text(zh("Received. Thank you!"))
    assert len(stored_since(live_server, before)) == 1
    assert page.evaluate(DRAFTS) == []


def test_what_another_tab_sent_is_told_in_the_tab_of_the_interview(
    live_server: LivePlatform, context: BrowserContext, page: Page, complete: dict[str, object]
) -> None:
    """Tabs share the outbox; once the tab that finished stayed at "not sent yet" for good."""
    Respondent(page).open(live_server.invite())
    second = Respondent(context.new_page())
    second.open(live_server.invite())
    second.answer_until("product_range", complete)
    second.page.route("**/api/responses", lambda route: route.abort())
    context.set_offline(True)
    second.finish(complete)
    heading = second.page.locator(".sf-heading")
    expect(heading).to_have_text(zh("Saved on this device, not sent yet"))
    context.set_offline(False)
    expect(heading).to_have_text(zh("Received. Thank you!"))
    expect(second.page.get_by_text(zh("1 interview waiting to be sent"))).to_have_count(0)
    assert page.locator(".sf-main").count() == 1
    assert second.page.evaluate(DRAFTS) == []


def test_what_another_tab_was_refused_is_told_in_the_tab_of_the_interview(
    live_server: LivePlatform, context: BrowserContext, page: Page, complete: dict[str, object]
) -> None:
    Respondent(page).open(live_server.invite())
    second = Respondent(context.new_page())
    second.open(live_server.invite())
    second.answer_until("product_range", complete)
    second.page.route("**/api/responses", lambda route: route.abort())
    answer = {"code": "invalid_answers", "problems": [
        {"item": "product_range", "code": "required", "message": "请检查这一题。"}
    ]}  # fmt: skip
    page.route("**/api/responses", lambda route: route.fulfill(status=422, json=answer))
    context.set_offline(True)
    second.finish(complete)
    context.set_offline(False)
    expect(second.item("product_range")).to_contain_text("请检查这一题。")


def test_a_finished_interview_is_sent_by_the_next_page_that_opens(
    live_server: LivePlatform,
    context: BrowserContext,
    page: Page,
    respondent: Respondent,
    complete: dict[str, object],
) -> None:
    """The page was closed before the network came back: another link of the device sends it."""
    before = len(live_server.responses())
    respondent.open(live_server.invite())
    respondent.answer_until("product_range", complete)
    context.set_offline(True)
    respondent.finish(complete)
    page.get_by_text(zh("1 interview waiting to be sent")).wait_for()
    page.close()
    context.set_offline(False)
    other = context.new_page()
    with other.expect_response("**/api/responses") as sent:
        other.goto(live_server.invite())
    assert sent.value.status == 200
    assert len(stored_since(live_server, before)) == 1


def test_a_lost_receipt_is_asked_for_again_and_nothing_is_stored_twice(
    live_server: LivePlatform, page: Page, respondent: Respondent
) -> None:
    before = len(live_server.responses())
    lost = []

    def lose_the_receipt(route: object) -> None:
        if lost:
            route.continue_()  # type: ignore[attr-defined]
            return
        lost.append(route.fetch().json())  # type: ignore[attr-defined]
        route.abort()  # type: ignore[attr-defined]

    page.route("**/api/responses", lose_the_receipt)
    respondent.open(live_server.invite())
    respondent.finish({"consent": "no"})
    page.get_by_role("button", name=zh("Send now")).click()
    expect(page.locator(".sf-heading")).to_have_text(zh("Received. Thank you!"))
    assert len(stored_since(live_server, before)) == 1
    response = live_server.responses()[-1][0]
    assert response.id == uuid.UUID(lost[0]["response_id"])


def test_a_restart_of_the_server_is_not_noticed(
    live_server: LivePlatform, page: Page, respondent: Respondent, complete: dict[str, object]
) -> None:
    before = len(live_server.responses())
    respondent.open(live_server.invite())
    respondent.answer_until("product_range", complete)
    live_server.server.stop()
    try:
        respondent.finish(complete)
        page.get_by_role("button", name=zh("Send now")).wait_for()
    finally:
        live_server.server.start()
    with suppress(PlaywrightTimeout):  # The form tries by itself as well, and may be the first.
        page.get_by_role("button", name=zh("Send now")).click(timeout=3_000)
    expect(page.locator(".sf-heading")).to_have_text(zh("Received. Thank you!"))
    assert len(stored_since(live_server, before)) == 1


def test_a_page_that_opens_before_the_network_does_waits_for_it(
    live_server: LivePlatform, page: Page, respondent: Respondent
) -> None:
    failed = []

    def fail_once(route: object) -> None:
        if failed:
            route.continue_()  # type: ignore[attr-defined]
            return
        failed.append(True)
        route.abort()  # type: ignore[attr-defined]

    page.route("**/form/*.json", fail_once)
    respondent.open(live_server.invite())
    assert failed
    expect(respondent.item("consent")).to_be_visible()


def test_signing_out_takes_the_drafts_along(
    live_server: LivePlatform, page: Page, respondent: Respondent, complete: dict[str, object]
) -> None:
    respondent.open(live_server.invite())
    respondent.answer_until("product_range", complete)
    assert page.evaluate(DRAFTS) != []
    page.goto(f"{live_server.url}/auth/logout")
    page.wait_for_url(f"{live_server.url}/**", wait_until="commit")
    page.wait_for_function(f"() => ({DRAFTS}).length === 0")


def test_signing_out_warns_of_what_was_not_sent(
    live_server: LivePlatform, page: Page, respondent: Respondent
) -> None:
    respondent.open(live_server.invite())
    page.route("**/api/responses", lambda route: route.abort())
    respondent.finish({"consent": "no"})
    page.get_by_text(zh("1 interview waiting to be sent")).wait_for()
    page.goto(f"{live_server.url}/auth/logout")
    words = zh(
        "Interviews on this device waiting to be sent: {count}. Signing out now deletes them."
    )
    expect(page.locator("[data-pending]")).to_have_text(words.format(count=1))
    page.unroute("**/api/responses")
    page.reload()
    page.wait_for_url(f"{live_server.url}/", wait_until="commit")
    assert page.evaluate(DRAFTS) == []


def test_a_browser_without_storage_says_so_and_still_sends(
    live_server: LivePlatform, page: Page, respondent: Respondent
) -> None:
    page.add_init_script(
        """Object.defineProperty(window, "localStorage", {get() { throw new Error("denied"); }})"""
    )
    respondent.open(live_server.invite())
    warning = "This browser cannot keep a draft. Please finish without closing the page."
    expect(page.get_by_text(zh(warning))).to_be_visible()
    respondent.finish({"consent": "no"})
    expect(page.locator(".sf-heading")).to_have_text(zh("Received. Thank you!"))
