"""A comparative test from its plan to its release by two people, as a laboratory reports it.

One value does not apply, one is measured three times, and the laboratory's file has its own heads.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from survey.access.roles import Role
from survey.comparative_tests.product_samples import SAMPLE_SHEET
from survey.comparative_tests.rules_workbook import build_rules_sheets
from survey.frame.workbook_io import write_workbook
from survey.kit.download_button import XLSX
from survey.locale import translator
from survey.store.china_time import china_date
from survey.store.tables import now
from tests.context.comparative_tests.small_rules import COOKING, ENERGY, FROST, SAFETY, rules
from tests.journeys.app_page import take_step, upload_file, wait_until_idle
from tests.journeys.staff import sign_in_staff
from tests.server_process import LivePlatform, serious_problems

zh = translator("zh")
KEY = "frost-2026"
HEADS = ("样品号", "检测项目", "检测结果", "不确定度", "包含因子", "检测日期", "次数")


@pytest.fixture
def people(live_server: LivePlatform, browser: Browser) -> Iterator[tuple[Page, Page]]:
    """The computers of two national officials."""
    contexts: list[BrowserContext] = []
    for login in ("frost-lin", "frost-wang"):
        context = browser.new_context(viewport={"width": 1440, "height": 1400}, locale="zh-CN")
        context.set_default_timeout(60_000)
        sign_in_staff(context, live_server.settings, live_server.url, login, Role.NATIONAL_OFFICIAL)
        contexts.append(context)
    yield contexts[0].new_page(), contexts[1].new_page()
    for context in contexts:
        context.close()


def _open(desk: Page, title: str) -> None:
    desk.get_by_role("tab", name=zh(title)).click()
    wait_until_idle(desk)


def _upload(desk: Page, name: str, rows: list[str], confirm: str, done: str) -> None:
    content = "\r\n".join(rows).encode("utf-8-sig")
    upload_file(desk, {"name": name, "mimeType": "text/csv", "buffer": content})
    wait_until_idle(desk)
    desk.get_by_role("button", name=zh(confirm)).click()
    expect(desk.get_by_text(zh(done))).to_be_visible()


def _plan(desk: Page, url: str) -> None:
    desk.goto(f"{url}/comparative-tests?lang=zh&test=new")
    for label, text in (
        ("Short name", KEY),
        ("Chinese title", "冰箱除霜比较试验"),
        ("English title", "Defrosting"),
        ("Purpose", "消费者想知道买哪一款。"),
        ("Funder", "协会经费"),
    ):
        desk.get_by_role("textbox", name=zh(label)).fill(text)
    desk.get_by_role("button", name=zh("Plan the test")).click()
    expect(
        desk.get_by_text(zh("The test is planned. Next come rules and samples."))
    ).to_be_visible()
    _open(desk, "Plan")
    desk.get_by_role("textbox", name=zh("Laboratory"), exact=True).fill("某检测中心")
    desk.get_by_role("textbox", name=zh("Accreditation number")).fill("CNAS L0000")
    desk.get_by_role("textbox", name=zh("Carried out together with")).fill("某省消委会")
    desk.get_by_role("button", name=zh("Save the plan")).click()
    expect(desk.get_by_text(zh("The plan is saved."))).to_be_visible()


def _bring_to_the_laboratory(desk: Page) -> None:
    known = rules(
        characteristics=[
            SAFETY,
            {**COOKING, "weight": "40"},
            {**ENERGY, "claim": "at_least"},
            FROST,
        ],
        groups=[{"heading": "use", "combination": "mean"}],
    )
    _open(desk, "Rules")
    content = write_workbook(build_rules_sheets(known), "zh")
    upload_file(desk, {"name": "rules.xlsx", "mimeType": XLSX, "buffer": content})
    wait_until_idle(desk)
    desk.get_by_role("button", name=zh("Store these rules")).click()
    expect(desk.get_by_text(zh("The rules are stored."))).to_be_visible()
    expect(desk.get_by_text(zh("only products that have the function"))).to_be_visible()

    _open(desk, "Samples")
    heads = ",".join(zh(column.label) for column in SAMPLE_SHEET.columns)
    bought = f"网店,某平台,{china_date(now())},299"
    rows = [
        f"S{number},甲牌,M{number},6291041500213,B1,甲公司,{bought},R{number},是,{claims}"
        for number, claims in ((1, "energy:80"), (2, ""))
    ]
    _upload(desk, "samples.csv", [heads, *rows], "Enter these samples", "The samples are entered.")
    take_step(desk, zh("All samples are bought"))
    take_step(desk, zh("Hand the samples to the laboratory"))


def _enter_values(desk: Page) -> None:
    _open(desk, "Laboratory")
    today = china_date(now())
    rows = [
        ",".join(HEADS),
        f"S1,leakage,0.30,0.02,2,{today},",
        f"S1,cooking,31.0,0.4,2,{today},1",
        f"S1,cooking,31.4,0.4,2,{today},2",
        f"S1,cooking,30.8,0.4,2,{today},3",
        f"S1,energy,78.2,0.9,2,{today},",
        f"S1,frost,不适用,,,{today},",
        f"S2,leakage,<0.05,,,{today},",
        f"S2,cooking,25,1,2,{today},",
        f"S2,energy,85,0.9,2,{today},",
        f"S2,frost,40,1,2,{today},",
    ]
    wrong = [row.replace("S2,energy", "S2,noise") for row in rows]
    upload_file(
        desk,
        {"name": "w.csv", "mimeType": "text/csv", "buffer": "\r\n".join(wrong).encode("gb18030")},
    )
    expect(
        desk.get_by_text(zh("The rules of this test know no such characteristic."))
    ).to_be_visible()
    _upload(desk, "lab.csv", rows, "Enter these values", "The values are entered.")
    take_step(desk, zh("All results are in"))


def _hear_the_maker(desk: Page) -> None:
    _open(desk, "Makers' replies")
    desk.get_by_role("button", name=zh("The results are sent")).click()
    desk.get_by_label(zh("Wording of the reply")).fill("没有意见。")
    desk.get_by_role("button", name=zh("Record the reply")).click()
    expect(desk.get_by_text(zh("The reply is recorded."))).to_be_visible()
    take_step(desk, zh("The makers are heard"))


def test_from_the_plan_to_the_second_signature(
    live_server: LivePlatform, people: tuple[Page, Page]
) -> None:
    lin, wang = people
    _plan(lin, live_server.url)
    _bring_to_the_laboratory(lin)
    _enter_values(lin)
    _hear_the_maker(lin)
    _open(lin, "Release and errata")
    lin.get_by_role("textbox", name=zh("Number or day of the letter")).fill("某消函2026第8号")
    lin.get_by_role("button", name=zh("Record the approval")).click()
    expect(lin.get_by_text(zh("The approval is recorded."))).to_be_visible()
    wait_until_idle(lin)
    take_step(lin, zh("Give the first signature"))
    expect(lin.get_by_text("frost-wang")).to_be_visible()

    wang.goto(f"{live_server.url}/comparative-tests?lang=zh&test={KEY}&part=release")
    wait_until_idle(wang)
    take_step(wang, zh("Sign and release now"))
    expect(wang.get_by_text(zh("Signed by you, and released."))).to_be_visible()
    _open(wang, "Results")
    # Cooking 31.07 min has 72.3, efficiency 76.4, weighted alike without defrosting: 74.4.
    table = wang.locator("table").filter(has_text=zh("Weighted points"))
    expect(wang.get_by_text(zh("Weighted mark: {mark}", mark="74.4"))).to_be_visible()
    expect(table.get_by_text(zh("not applicable")).first).to_be_visible()
    expect(table.get_by_text("31.07 ± 0.54（3 次平均，s = 0.31）")).to_be_visible()
    # Efficiency 78.2 ± 0.9 against a claimed 80.
    expect(table.get_by_text("标称 80：不符").first).to_be_visible()
    assert serious_problems(wang) == []
