"""A year of a department: twelve months of complaints and what happens to them, two events."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from survey.access.roles import NATION, Role
from survey.counts.week_series import monday_of
from survey.locale import translator
from tests.context.complaints.count_files import count_file, rows_of
from tests.context.complaints.weekly_counts import WEEKS, build_counts, plant
from tests.context.opinion.opinion_rows import day_rows, opinion_file
from tests.journeys.app_page import choose_option, upload_file, wait_until_idle
from tests.journeys.staff import sign_in_staff
from tests.server_process import LivePlatform, serious_problems

CITY, SUZHOU = "420500", "320500"
MONTHS = [f"2024-{month:02}" for month in range(1, 13)]
SPRING, AUTUMN = date(2024, 3, 15), date(2024, 11, 11)
zh = translator("zh")
OpenDesk = Callable[..., Page]


@pytest.fixture
def open_desk(live_server: LivePlatform, browser: Browser) -> Iterator[OpenDesk]:
    """Open a page at the computer of somebody with an account."""
    contexts: dict[str, BrowserContext] = {}

    def open_at(address: str, login: str = "year-lin", role: Role = Role.NATIONAL_OFFICIAL,
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


def _choose(desk: Page, name: str, content: bytes, source: str) -> None:
    upload_file(desk, {"name": name, "mimeType": "text/csv", "buffer": content})
    desk.get_by_role("textbox", name=zh("Source")).fill(source)


def _store(desk: Page) -> None:
    desk.get_by_role("button", name=zh("Store this delivery")).click()
    wait_until_idle(desk)


def _expect_stored(desk: Page, period: str, number: int = 1) -> None:
    text = zh("{month} (revision {number})", month=period, number=number)
    expect(desk.get_by_text(text).first).to_be_visible()


def test_a_year_of_complaints_with_a_revision_a_withdrawal_and_an_alarm(
    open_desk: OpenDesk,
) -> None:
    desk = open_desk("outside-data?lang=zh")
    rows = [
        row
        for month in MONTHS
        for area, counts in ((CITY, (100, 60, 40)), ("110000", (500, 90, 70)))
        for row in rows_of(month, area, counts)
    ]
    _choose(desk, "year.csv", count_file(*rows), "某消协（虚构）")
    _store(desk)
    _expect_stored(desk, MONTHS[-1])
    reader = open_desk(f"complaints?lang=zh&place={CITY}")
    expect(reader.get_by_text("2,400").first).to_be_visible()

    # A city's revision loses a nature of complaints: it is said in red, and asked about.
    desk = open_desk("outside-data?lang=zh")
    _choose(desk, "june.csv", count_file(*rows_of("2024-06", CITY, (110, 60))), "某市消协（虚构）")
    loss = zh("Where counts stand already, this delivery lacks classes, lists or "
              "columns that stand there. They would be lost:")  # fmt: skip
    expect(desk.get_by_text(loss)).to_be_visible()
    expect(desk.locator("table").filter(has_text="安全").first).to_be_visible()
    _store(desk)
    expect(desk.get_by_text("请补全后再报送，或确认放弃缺少的部分")).to_be_visible()
    confirmed = zh("What is listed in red shall be lost; the edition that stands stays readable.")
    desk.get_by_text(confirmed).click()
    wait_until_idle(desk)
    _store(desk)
    _expect_stored(desk, "2024-06", 2)
    reader = open_desk(f"complaints?lang=zh&place={CITY}")
    expect(reader.get_by_text("2,370").first).to_be_visible()

    # It was wrong after all: what stood before it holds again.
    desk = open_desk("outside-data?lang=zh")
    desk.get_by_text(zh("Deliveries"), exact=True).click()
    choose_option(desk.get_by_role("combobox", name=zh("Delivery")), "某市消协（虚构）")
    desk.get_by_role("textbox", name=zh("Reason")).fill("漏了安全类投诉")
    desk.get_by_role("button", name=zh("Withdraw this delivery")).click()
    expect(desk.get_by_text(zh("The delivery is withdrawn."))).to_be_visible()
    reader = open_desk(f"complaints?lang=zh&place={CITY}")
    expect(reader.get_by_text("2,400").first).to_be_visible()

    # Weeks with an outbreak in the last two: the city that has it is warned, and no other.
    frame = plant(build_counts(), WEEKS[-2:])
    weekly = [
        f"{monday_of(row.week)},{row.area},{row.nature},{row.goods_class},{row.accepted}"
        for row in frame.itertuples()
    ]
    header = "周次,地区代码,投诉性质,商品服务类别,受理件数"
    desk = open_desk("outside-data?lang=zh&kind=complaint-weeks")
    _choose(desk, "weeks.csv", count_file(*weekly, header=header), "某消协（虚构）")
    _store(desk)
    _expect_stored(desk, WEEKS[-1])
    warned = open_desk("complaints?lang=zh", "year-su", Role.CITY_OFFICIAL, SUZHOU)
    expect(warned.get_by_text(zh("More complaints this week than usual")).first).to_be_visible()
    warning = warned.locator("table").filter(has_text=zh("More than usual since"))
    expect(warning).to_contain_text("60")
    assert serious_problems(warned) == []
    other = open_desk("complaints?lang=zh", "year-yi", Role.CITY_OFFICIAL, CITY)
    expect(other.get_by_text("2,400").first).to_be_visible()
    expect(other.get_by_text(zh("More complaints this week than usual"))).to_have_count(0)


def test_a_year_of_opinion_with_two_events_beside_one_another(open_desk: OpenDesk) -> None:
    rows = []
    for number in range(366):
        day = date(2024, 1, 1) + timedelta(days=number)
        items = {SPRING: 900, AUTUMN: 600}.get(day, 60)
        rows += day_rows(day.isoformat(), (items // 3, items // 3, items // 3))
    desk = open_desk("outside-data?lang=zh&kind=opinion")
    _choose(desk, "opinion.csv", opinion_file(*rows), "某监测单位（虚构）")
    _store(desk)
    _expect_stored(desk, "2024-12")

    desk = open_desk(f"complaints?lang=zh&part=opinion&from={SPRING}&to={SPRING}")
    expect(desk.get_by_text("900").first).to_be_visible()
    second = desk.get_by_test_id("stDateInput").filter(has_text=zh("Days of the other event"))
    for field in (0, 3):  # year, month and day of the first day, then of the last
        second.get_by_role("spinbutton").nth(field).click()
        desk.keyboard.type(f"{AUTUMN:%Y%m%d}")
    desk.keyboard.press("Escape")
    wait_until_idle(desk)
    both = desk.locator("table").filter(has_text="2024年3月15日").filter(has_text="2024年11月11日")
    expect(both).to_contain_text("900")
    expect(both).to_contain_text("600")
    assert f"other_from={AUTUMN}" in desk.url
    assert serious_problems(desk) == []
