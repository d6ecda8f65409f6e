"""A trader is heard and named: the rule, a list of single complaints, an answer, two signatures."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from survey.access.roles import NATION, Role
from survey.locale import translator
from tests.context.complaints.trader_cases import BIG, OTHER, SMALL, USUAL, case_file
from tests.journeys.app_page import choose_option, take_step, upload_file, wait_until_idle
from tests.journeys.staff import sign_in_staff
from tests.server_process import LivePlatform, serious_problems

zh = translator("zh")
TAB, ANSWER = "complaints?lang=zh&part=traders", "已经逐件联系消费者退款。"


@pytest.fixture
def open_desk(live_server: LivePlatform, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page at the computer of somebody with an account."""
    contexts: dict[str, BrowserContext] = {}

    def open_at(login: str, address: str, role: Role = Role.NATIONAL_OFFICIAL,
                area: str = NATION) -> Page:  # fmt: skip
        if login not in contexts:
            context = browser.new_context(viewport={"width": 1440, "height": 1400}, locale="zh-CN")
            context.set_default_timeout(60_000)
            sign_in_staff(context, live_server.settings, live_server.url, login, role, area)
            contexts[login] = context
        page = contexts[login].new_page()
        page.goto(f"{live_server.url}/{address}")
        wait_until_idle(page)
        return page

    yield open_at
    for context in contexts.values():
        context.close()


def test_from_the_rule_to_a_name_that_everybody_reads(open_desk: Callable[..., Page]) -> None:
    open_desk("trader-wang", TAB)  # who is there to sign second
    lin = open_desk("trader-lin", TAB)
    rule = zh("Rule of the counsel, or where it is written")
    lin.get_by_role("textbox", name=rule).fill("律师意见第1号（虚构）")
    lin.get_by_role("button", name=zh("Set this rule")).click()
    expect(lin.get_by_text(zh("The rule is set."))).to_be_visible()

    lin = open_desk("trader-lin", "outside-data?lang=zh&rows=cases")
    choose_option(lin.get_by_role("combobox", name=zh("Totals by name")), zh("by trader"))
    content = {"name": "year.csv", "mimeType": "text/csv", "buffer": case_file(*USUAL)}
    upload_file(lin, content)
    lin.get_by_role("textbox", name=zh("Source")).fill("某省消委会")
    lin.get_by_role("button", name=zh("Store this delivery")).click()
    expect(lin.get_by_text(zh("{month} (revision {number})", month="2025-01", number=1)).first
           ).to_be_visible()  # fmt: skip

    # The first of the names; nothing can be signed before its answer is in.
    lin = open_desk("trader-lin", TAB)
    expect(lin.get_by_text(OTHER).first).to_be_visible()
    expect(lin.get_by_text(SMALL)).to_have_count(0)
    lin.get_by_role("button", name=zh("The figures are sent")).click()
    expect(lin.get_by_text(zh("It is recorded that the figures were sent."))).to_be_visible()
    signing = lin.get_by_role("button", name=zh("Give the first signature"))
    expect(signing).to_have_count(0)
    lin.get_by_text(zh("Answer of the trader"), exact=True).last.click()
    lin.get_by_label(zh("Wording of the reply")).fill(ANSWER)
    lin.get_by_label(zh("Answer of the association")).fill("已核实，件数不变。")
    lin.get_by_role("button", name=zh("Record the reply")).click()
    expect(lin.get_by_text(zh("The reply is recorded."))).to_be_visible()
    take_step(lin, zh("Give the first signature"))
    expect(lin.get_by_text(zh("You have signed"))).to_be_visible()

    reader = open_desk("trader-sun", TAB, Role.CITY_OFFICIAL, "420500")
    expect(reader.get_by_text(zh("No trader is named."))).to_be_visible()

    # It waits on the start page of the other, which leads to the list.
    wang = open_desk("trader-wang", "?lang=zh")
    wang.get_by_role("link", name=zh("Traders to sign for")).click()
    wang.wait_for_url("**/complaints?**part=traders**")
    wait_until_idle(wang)
    take_step(wang, zh("Sign and name the trader now"))
    expect(wang.get_by_text(zh("Signed by you. The trader is named."))).to_be_visible()
    assert serious_problems(wang) == []

    reader = open_desk("trader-sun", TAB, Role.CITY_OFFICIAL, "420500")
    named = reader.locator("table").filter(has_text=OTHER)
    expect(named).to_contain_text(ANSWER)
    expect(named).to_contain_text("40.0%")  # 12 of 30
    expect(reader.get_by_text(BIG)).to_have_count(0)
