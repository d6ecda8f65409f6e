"""A comparative test in a browser: samples, values, a reply, a retest, and the released grade."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import Session, select

from survey.access.principal import Principal
from survey.access.roles import Role, demo_login
from survey.access.work import Seen
from survey.comparative_tests.plan import create_comparative_test, set_grading_rules
from survey.comparative_tests.product_samples import SAMPLE_SHEET
from survey.comparative_tests.value_list import VALUE_SHEET
from survey.locale import translator
from survey.store.china_time import china_date
from survey.store.tables import Account, now
from survey.store.transactions import run_in_transaction
from tests.context.comparative_tests.small_rules import rules
from tests.context.comparative_tests.small_test import PLAN
from tests.journeys.app_page import choose_option, take_step, upload_file, wait_until_idle
from tests.server_process import LivePlatform, serious_problems
from tests.work_of import work_of

zh = translator("zh")


@pytest.fixture
def desk(browser: Browser) -> Iterator[Page]:
    """The computer of a national official."""
    context = browser.new_context(viewport={"width": 1440, "height": 1400}, locale="zh-CN")
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def _plan(live_server: LivePlatform) -> None:
    def plan(session: Session) -> None:
        query = select(Account).where(Account.login == demo_login(Role.NATIONAL_OFFICIAL))
        account = session.exec(query).one()
        person = Principal(account.id, account.name, Role.NATIONAL_OFFICIAL, "CN", is_demo=True)
        test_id = create_comparative_test(work_of(session, person, now()), draft=PLAN)
        set_grading_rules(work_of(session, person, now()), Seen(test_id, 1), rules=rules())

    run_in_transaction(live_server.settings.store_url, plan)


def _open(desk: Page, title: str) -> None:
    desk.get_by_role("tab", name=zh(title)).click()
    wait_until_idle(desk)


def _upload(desk: Page, name: str, heads: list[str], rows: list[str]) -> None:
    content = "\r\n".join([",".join(heads), *rows]).encode("utf-8-sig")
    upload_file(desk, {"name": name, "mimeType": "text/csv", "buffer": content})
    wait_until_idle(desk)


def test_from_samples_to_release(live_server: LivePlatform, desk: Page) -> None:
    _plan(live_server)
    desk.request.post(f"{live_server.url}/auth/demo", form={"role": "national_official"})
    desk.goto(f"{live_server.url}/comparative-tests?lang=zh&part=samples")
    wait_until_idle(desk)
    today = china_date(now())
    heads = [zh(column.label) for column in SAMPLE_SHEET.columns]
    good = f"S{{}},甲牌,M{{}},6291041500213,B1,甲公司,网店,某平台,{today},299,R{{}},是"
    rows = [good.format(each, each, each) for each in (1, 2)]
    _upload(desk, "samples.csv", heads, [rows[0], rows[1].replace("500213", "500214")])
    expect(
        desk.get_by_text(zh("This is no barcode: its check digit does not fit."))
    ).to_be_visible()
    _upload(desk, "mended.csv", heads, rows)
    desk.get_by_role("button", name=zh("Enter these samples")).click()
    expect(desk.get_by_text(zh("The samples are entered."))).to_be_visible()
    take_step(desk, zh("All samples are bought"))
    take_step(desk, zh("Hand the samples to the laboratory"))

    _open(desk, "Laboratory")
    values = {"S1": ("0.30", "31", "78.2"), "S2": ("0.90", "25", "85")}
    keys = ("leakage", "cooking", "energy")
    rows = [
        f"{code},{key},{number},0.02,2,{today}"
        for code, numbers in values.items()
        for key, number in zip(keys, numbers, strict=True)
    ]
    heads = [zh(column.label) for column in VALUE_SHEET.columns]
    _upload(desk, "values.csv", heads, rows)
    desk.get_by_role("button", name=zh("Enter these values")).click()
    expect(desk.get_by_text(zh("The values are entered."))).to_be_visible()
    take_step(desk, zh("All results are in"))

    _open(desk, "Makers' replies")
    desk.get_by_role("button", name=zh("The results are sent")).click()
    expect(
        desk.get_by_text(zh("It is recorded that the makers have their results."))
    ).to_be_visible()
    desk.get_by_label(zh("Wording of the reply")).fill("请求复测泄漏电流。")
    desk.get_by_role("button", name=zh("Record the reply")).click()
    expect(desk.get_by_text(zh("The reply is recorded."))).to_be_visible()
    take_step(desk, zh("The makers are heard"))

    _open(desk, "Results")
    expect(desk.get_by_text(zh("Not released"), exact=True)).to_be_visible()
    _open(desk, "Laboratory")
    choose_option(desk.get_by_role("combobox", name=zh("What is this list?")), zh("retest"))
    desk.get_by_label(zh("Reason")).fill("企业请求复测。")
    desk.get_by_label(zh("Reason")).press("Tab")
    _upload(desk, "again.csv", heads, [f"S2,leakage,0.30,0.02,2,{today}"])
    desk.get_by_role("button", name=zh("Enter these values")).click()
    expect(desk.get_by_text(zh("The values are entered."))).to_be_visible()

    _open(desk, "Release and errata")
    take_step(desk, zh("Sign and release now"))
    expect(desk.get_by_text(zh("Signed by you, and released."))).to_be_visible()
    _open(desk, "Results")
    # With the first value of its leakage current S2 was capped at 39.9.
    expect(desk.get_by_text("88.5").first).to_be_visible()
    expect(desk.get_by_text(zh("Not released"), exact=True)).to_have_count(0)
    assert serious_problems(desk) == []
