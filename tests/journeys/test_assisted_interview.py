"""A surveyor asks the questions in the Streamlit page, with the same form."""

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from survey.locale import translator
from tests.server_process import LivePlatform, Respondent, serious_problems

zh = translator("zh")
DRAFTS = "Object.keys(localStorage).filter(key => /draft|outbox/.test(key))"


@pytest.fixture
def surveyor(live_server: LivePlatform, page: Page) -> Respondent:
    """The form on the surveyor's screen, after signing in."""
    page.request.post(
        f"{live_server.url}/auth/demo", form={"role": "surveyor", "next": "/interview"}
    )
    asking = Respondent(page)
    asking.open(live_server.interview)
    return asking


def test_answers_reach_the_store_in_the_surveyors_name(
    live_server: LivePlatform, page: Page, surveyor: Respondent, complete: dict[str, object]
) -> None:
    before = len(live_server.responses())
    surveyor.finish(complete)
    expect(page.locator(".sf-heading")).to_have_text(zh("Received. Thank you!"))
    stored = live_server.responses()[before:]
    assert len(stored) == 1
    response, revision = stored[0]
    assert (response.mode, response.status) == ("assisted", "submitted")
    assert response.surveyor_id == revision.author_id == live_server.surveyor.account_id
    assert response.point_id == live_server.point.id
    assert page.evaluate(DRAFTS) == []


def test_language_and_size_have_one_switch_each(page: Page, surveyor: Respondent) -> None:
    expect(page.get_by_role("button", name=zh("Large text"))).to_have_count(1)
    expect(page.get_by_role("button", name="English")).to_have_count(1)
    expect(page.locator(".st-key-switches")).to_be_hidden()


def test_the_next_interview_starts_empty(
    live_server: LivePlatform, page: Page, surveyor: Respondent
) -> None:
    surveyor.finish({"consent": "no"})
    # The button is there before the interview has arrived, and it may be counted only after.
    expect(page.locator(".sf-heading")).to_have_text(zh("Received. Thank you!"))
    page.get_by_role("button", name=zh("Start the next interview")).click()
    expect(surveyor.item("consent").locator("input:checked")).to_have_count(0)
    before = len(live_server.responses())
    surveyor.finish({"consent": "no"})
    expect(page.locator(".sf-heading")).to_have_text(zh("Received. Thank you!"))
    assert len(live_server.responses()) == before + 1


def test_a_restart_of_the_server_loses_nothing(
    live_server: LivePlatform, page: Page, surveyor: Respondent, complete: dict[str, object]
) -> None:
    """The trigger arrives in the first run of a session that the server has never seen."""
    before = len(live_server.responses())
    surveyor.answer_until("product_range", complete)
    live_server.server.stop()
    live_server.server.start()
    surveyor.finish(complete)
    expect(page.locator(".sf-heading")).to_have_text(zh("Received. Thank you!"), timeout=40_000)
    assert len(live_server.responses()) == before + 1


def test_a_reload_keeps_the_answers(
    live_server: LivePlatform, page: Page, surveyor: Respondent, complete: dict[str, object]
) -> None:
    surveyor.answer_until("product_range", complete)
    surveyor.choose("product_range", 4)
    page.reload()
    expect(surveyor.item("product_range").locator('input[value="4"]')).to_be_checked()


def test_the_keyboard_works_inside_the_page(
    live_server: LivePlatform, page: Page, surveyor: Respondent, complete: dict[str, object]
) -> None:
    surveyor.answer_until("product_range", complete)
    surveyor.choose("product_range", 4)
    page.keyboard.press("0")
    expect(surveyor.item("product_range").locator('input[value="10"]')).to_be_checked()
    page.keyboard.press("Enter")
    page.keyboard.press("7")
    expect(surveyor.item("substitutes").locator('input[value="7"]')).to_be_checked()


def test_an_expired_session_keeps_the_interview_for_later(
    live_server: LivePlatform,
    context: BrowserContext,
    page: Page,
    surveyor: Respondent,
    complete: dict[str, object],
) -> None:
    surveyor.answer_until("product_range", complete)
    context.clear_cookies()
    page.reload()
    expect(page.get_by_text(zh("Please sign in first"))).to_be_visible()
    assert page.evaluate(DRAFTS) != []


def test_the_form_in_the_page_has_no_serious_barrier(
    live_server: LivePlatform, page: Page, surveyor: Respondent
) -> None:
    assert serious_problems(page, within=".stBidiComponent") == []


def test_a_page_left_open_stores_nothing_after_signing_out(
    live_server: LivePlatform, page: Page, surveyor: Respondent
) -> None:
    before = len(live_server.responses())
    page.request.post(f"{live_server.url}/auth/logout", headers={"Origin": live_server.url})
    surveyor.answer_screen({"consent": "no"})
    surveyor.go_on()
    # Longer than the page's patience: neither the page nor the road around it takes the interview.
    page.wait_for_timeout(6000)
    assert len(live_server.responses()) == before
    assert page.evaluate(DRAFTS) != []
