"""On a phone: answering, keeping the code, taking everything back; a guardian who says no."""

import re

from playwright.sync_api import Page, expect

from survey.locale import translator
from tests.server_process import LivePlatform, Respondent

zh = translator("zh")
CODE = re.compile(r"^(\d{4} ){4}\d{4}$")


def test_a_respondent_takes_everything_back_with_the_code_of_the_last_page(
    live_server: LivePlatform, page: Page, respondent: Respondent
) -> None:
    respondent.open(live_server.invite())
    respondent.finish({"consent": "yes", "lived_6m": "no"})
    shown = page.locator(".sf-code strong")
    expect(shown).to_have_text(CODE)
    code = shown.inner_text()
    # The code is there already while the answers are still on their way.
    expect(page.locator(".sf-heading")).to_have_text(zh("Received. Thank you!"))
    expect(page.locator(".sf-code p").first).to_contain_text("/withdraw")
    before, revision = live_server.responses()[-1]
    assert revision.answers == {"consent": "yes", "lived_6m": "no"}
    page.goto(f"{live_server.url}/withdraw")
    field = page.get_by_label(zh("Your code of twenty digits"))
    expect(field).to_have_value(code)
    field.fill(code[:-1])
    page.get_by_role("button", name=zh("Withdraw and delete my answers")).click()
    expect(page.get_by_role("alert")).to_be_visible()
    field.fill(code.replace(" ", ""))
    page.get_by_role("button", name=zh("Withdraw and delete my answers")).click()
    expect(page.locator(".sf-heading")).to_have_text(zh("Your answers have been deleted"))
    after, emptied = live_server.responses()[-1]
    assert (after.id, emptied.answers) == (before.id, {})
    assert after.withdrawn_at is not None
    page.goto(f"{live_server.url}/withdraw")
    expect(field).to_have_value("")


def test_without_the_guardian_nothing_about_the_child_is_asked_or_stored(
    live_server: LivePlatform, page: Page, respondent: Respondent, complete: dict[str, object]
) -> None:
    child = [item.name for item in live_server.instrument.items() if item.privacy == "about_child"]
    assert child
    respondent.open(live_server.invite())
    answers = {**complete, "guardian": "yes", "child_age": 9, "guardian_consent": "no"}
    respondent.finish(answers)
    expect(page.locator(".sf-heading")).to_have_text(zh("Received. Thank you!"))
    response, revision = live_server.responses()[-1]
    assert response.status == "submitted"
    assert revision.answers["guardian_consent"] == "no"
    assert revision.answers["child_age"] is None
    assert not set(child) & set(revision.answers)
    assert not {*child, "child_age"} & set(revision.timings)
