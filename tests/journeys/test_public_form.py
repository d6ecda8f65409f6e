"""A respondent answers the shipped questionnaire on a phone: by thumb, by keyboard, offline."""

import pytest
from playwright.sync_api import Browser, Page, expect

from survey.locale import translator
from tests.server_process import LivePlatform, Respondent

zh, en = translator("zh"), translator("en")
KEYS = {"birth_year": "1985", "complaint_days": "3", "child_age": "9"}


def heading(page: Page) -> str:
    return page.locator(".sf-heading").inner_text()


def focused(page: Page) -> dict[str, str | None]:
    """What has the focus: its question and whether it takes text."""
    focus: dict[str, str | None] = page.evaluate(
        """() => {
          const node = document.activeElement;
          const item = node.closest("[data-item]");
          return {
            item: item && item.getAttribute("data-item"),
            kind: node.tagName === "TEXTAREA" ? "long text"
              : node.classList.contains("sf-field") ? "text"
              : item && item.classList.contains("sf-rating") ? "rating" : "choice"
          };
        }"""
    )
    return focus


def press_answer(page: Page) -> None:
    """One keystroke or a few for whatever is asked, and Enter to go on."""
    now = focused(page)
    if now["kind"] == "long text":
        # Enter is a new line there: past Back to the button that goes on.
        page.keyboard.type("OK")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
    elif now["kind"] == "text":
        page.keyboard.type(KEYS.get(now["item"] or "", ""))
    elif now["item"] is not None:
        page.keyboard.press("8" if now["kind"] == "rating" else "1")
    page.keyboard.press("Enter")


def test_the_whole_interview_is_possible_by_keyboard_alone(
    live_server: LivePlatform, page: Page, respondent: Respondent
) -> None:
    respondent.open(live_server.invite())
    for _ in range(400):
        if page.locator(".sf-closing").count():
            break
        press_answer(page)
    expect(page.locator(".sf-heading")).to_have_text(zh("Received. Thank you!"))
    response, revision = live_server.responses()[-1]
    assert response.status == "submitted"
    assert response.dropped_answers == 0
    assert revision.answers["birth_year"] == 1985
    scored = [item.name for item in live_server.instrument.scored_items]
    assert {revision.answers[name] for name in scored} == {8}
    assert revision.timings.keys() >= set(scored)


def test_digits_and_arrows_answer_a_scale(
    live_server: LivePlatform, page: Page, respondent: Respondent, complete: dict[str, object]
) -> None:
    respondent.open(live_server.invite())
    respondent.answer_until("product_range", complete)
    page.keyboard.press("0")
    expect(respondent.item("product_range").locator('input[value="10"]')).to_be_checked()
    page.keyboard.press("5")
    page.keyboard.press("ArrowRight")
    expect(respondent.item("product_range").locator('input[value="6"]')).to_be_checked()
    page.keyboard.press("Enter")
    assert focused(page)["item"] == "substitutes"


def test_enter_of_an_input_method_is_not_an_answer(
    live_server: LivePlatform, page: Page, respondent: Respondent, complete: dict[str, object]
) -> None:
    respondent.open(live_server.invite())
    respondent.answer_until("lived_6m", complete)
    respondent.answer("lived_6m", "yes")
    respondent.answer("offline_purchase", "yes")
    respondent.fill("birth_year", "1985")
    before = heading(page)
    respondent.item("birth_year").locator(".sf-field").evaluate(
        """node => node.dispatchEvent(new KeyboardEvent("keydown",
             {key: "Enter", isComposing: true, bubbles: true, cancelable: true}))"""
    )
    assert heading(page) == before
    respondent.item("birth_year").locator(".sf-field").press("Enter")
    expect(page.locator(".sf-heading")).not_to_have_text(before)


def test_a_question_left_open_is_named_and_focused(
    live_server: LivePlatform, page: Page, respondent: Respondent
) -> None:
    respondent.open(live_server.invite())
    respondent.go_on()
    control = respondent.item("consent").locator("[role=radiogroup]")
    expect(control).to_have_attribute("aria-invalid", "true")
    notes = [
        page.locator(f"#{name}").inner_text()
        for name in (control.get_attribute("aria-describedby") or "").split()
    ]
    assert zh("Please answer this question.") in notes
    assert focused(page)["item"] == "consent"
    respondent.choose("consent", "yes")
    expect(control).not_to_have_attribute("aria-invalid", "true")


def test_the_next_question_appears_with_the_answer_that_leads_to_it(
    live_server: LivePlatform, respondent: Respondent, complete: dict[str, object]
) -> None:
    respondent.open(live_server.invite())
    respondent.answer_until("lived_6m", complete)
    expect(respondent.item("offline_purchase")).to_have_count(0)
    respondent.choose("lived_6m", "yes")
    expect(respondent.item("offline_purchase")).to_have_count(1)
    respondent.choose("lived_6m", "no")
    expect(respondent.item("offline_purchase")).to_have_count(0)


def test_whom_the_survey_does_not_ask_leaves_by_a_kind_page(
    live_server: LivePlatform, page: Page, respondent: Respondent
) -> None:
    respondent.open(live_server.invite())
    respondent.finish({"consent": "yes", "lived_6m": "no"})
    expect(page.locator(".sf-heading")).to_have_text(zh("Received. Thank you!"))
    response, revision = live_server.responses()[-1]
    assert response.status == "screened_out"
    assert revision.answers == {"consent": "yes", "lived_6m": "no"}


@pytest.mark.parametrize(
    ("answers", "status", "words"),
    [
        ({"consent": "no"}, "refused", "谢谢"),
        ({"consent": "yes", "lived_6m": "no"}, "screened_out", "谢谢"),
    ],
)
def test_a_refusal_and_a_screen_out_are_stored_with_the_answer_not_after_another_tap(
    live_server: LivePlatform, browser: Browser, answers: dict[str, object], status: str, words: str
) -> None:
    """Who is let go closes the page; the last button says beforehand that the interview ends."""
    before = len(live_server.responses())
    with browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN") as context:
        page = context.new_page()
        respondent = Respondent(page)
        respondent.open(live_server.invite())
        *ahead, last = answers
        for name in ahead:
            respondent.answer_until(last, {name: answers[name]})
        going_on = page.locator(".sf-nav .sf-main")
        respondent.choose(last, "yes")
        expect(going_on).to_have_text(zh("Continue"))
        respondent.choose(last, str(answers[last]))
        expect(going_on).to_have_text(zh("End here and send"))
        going_on.click()
        expect(page.locator(".sf-closing")).to_contain_text(words)
        expect(page.locator(".sf-heading")).to_have_text(zh("Received. Thank you!"))
    (stored,) = live_server.responses()[before:]
    assert stored[0].status == status
    assert stored[1].answers == answers


def test_the_language_can_be_changed_midway(
    live_server: LivePlatform, page: Page, respondent: Respondent, complete: dict[str, object]
) -> None:
    respondent.open(live_server.invite())
    respondent.answer_until("product_range", complete)
    respondent.choose("product_range", 7)
    before = heading(page)
    page.get_by_role("button", name="English").click()
    expect(page.locator(".sf-heading")).not_to_have_text(before)
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(respondent.item("product_range").locator('input[value="7"]')).to_be_checked()
    expect(page.get_by_role("button", name=en("Continue"))).to_be_visible()


def test_back_keeps_answers_and_so_does_the_phones_own_back_button(
    live_server: LivePlatform, page: Page, respondent: Respondent, complete: dict[str, object]
) -> None:
    respondent.open(live_server.invite())
    respondent.answer_until("gender", complete)
    page.get_by_role("button", name=zh("Back")).click()
    expect(respondent.item("birth_year").locator(".sf-field")).to_have_value("1985")
    respondent.go_on()
    respondent.item("gender").wait_for()
    page.go_back()
    expect(respondent.item("birth_year").locator(".sf-field")).to_have_value("1985")


@pytest.mark.parametrize("presses", ["one after the other", "two at once"])
def test_two_quick_presses_of_the_phones_back_button_lead_two_screens_back(
    presses: str,
    live_server: LivePlatform,
    page: Page,
    respondent: Respondent,
    complete: dict[str, object],
) -> None:
    respondent.open(live_server.invite())
    respondent.answer_until("gender", complete)
    shown = page.url
    birth_year = respondent.item("birth_year").locator(".sf-field")
    if presses == "two at once":
        page.evaluate("history.go(-2)")
    else:
        page.evaluate("() => { history.back(); history.back(); }")
    expect(respondent.item("gender")).to_have_count(0)
    expect(birth_year).to_have_count(0)
    assert page.url == shown, "the form is still there"
    respondent.answer_until("gender", complete)
    page.go_back()
    expect(birth_year).to_have_value("1985")


def test_withdrawing_deletes_everything(
    live_server: LivePlatform, page: Page, respondent: Respondent, complete: dict[str, object]
) -> None:
    before = len(live_server.responses())
    respondent.open(live_server.invite())
    respondent.answer_until("gender", complete)
    page.get_by_role("button", name=zh("Leave and delete my answers")).click()
    page.get_by_role("button", name=zh("Delete"), exact=True).click()
    expect(page.locator(".sf-heading")).to_have_text(zh("Your answers have been deleted"))
    assert page.evaluate("Object.keys(localStorage).filter(key => key.includes('draft'))") == []
    assert len(live_server.responses()) == before


def test_the_servers_own_objection_is_shown_at_the_question(
    live_server: LivePlatform, page: Page, respondent: Respondent, complete: dict[str, object]
) -> None:
    """An answer that is lost on the way is missed by the server, and asked for again."""
    url = live_server.invite()
    tampered = False

    def lose_an_answer(route: object) -> None:
        nonlocal tampered
        document = route.request.post_data_json  # type: ignore[attr-defined]
        if not tampered:
            del document["answers"]["gender"]
            tampered = True
        route.continue_(post_data=document)  # type: ignore[attr-defined]

    page.route("**/api/responses", lose_an_answer)
    respondent.open(url)
    respondent.answer_until("comment", complete)
    respondent.answer_screen(complete)
    respondent.go_on()
    expect(respondent.item("gender").locator(".sf-error")).not_to_be_empty()
    respondent.finish(complete)
    expect(page.locator(".sf-heading")).to_have_text(zh("Received. Thank you!"))


def test_used_and_unknown_links_are_answered_kindly(
    live_server: LivePlatform, page: Page, respondent: Respondent
) -> None:
    url = live_server.invite()
    respondent.open(url)
    respondent.finish({"consent": "no"})
    expect(page.locator(".sf-heading")).to_have_text(zh("Received. Thank you!"))
    answer = page.goto(url)
    assert answer is not None
    assert answer.status == 410
    assert heading(page) == zh("This questionnaire has been handed in")
    answer = page.goto(f"{live_server.url}/q/no-such-link")
    assert answer is not None
    assert answer.status == 404
    assert heading(page) == zh("This link is not complete or not valid")
