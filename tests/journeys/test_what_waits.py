"""Everybody goes from the start page through all that waits for them, until nothing does."""

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlmodel import Session, select

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import NATION, Role
from survey.access.sessions import principal_of
from survey.collection.invitations import issue_invitation
from survey.collection.parking import ParkingReceipt, submit_or_park
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.collection.submission_envelope import Submission
from survey.comparative_tests.maker_replies import send_results_to_makers
from survey.counts.deliveries import import_delivery
from survey.frame.quotas import EVERYONE
from survey.locale import translator
from survey.questionnaire.xlsform.reader import load_bundle
from survey.settings import PROJECT_ROOT, Settings
from survey.store.china_time import china_date
from survey.store.engine import dispose_engines, session_scope
from survey.store.tables import (
    Account,
    ComparativeTestState,
    Invitation,
    Mode,
    Problem,
    ProblemBasis,
    ProblemState,
    Status,
    Wave,
    now,
)
from survey.waves.waves import get_wave
from tests.complete_answers import build_complete_answers
from tests.context.comparative_tests import small_test
from tests.context.complaints.count_files import check_file, count_file, head, rows_of
from tests.journeys.app_page import choose_option, take_step, upload_file, wait_until_idle
from tests.journeys.staff import sign_in_staff
from tests.server_process import Server, open_wave_at_point
from tests.synthetic_results import PLANS, synthetic_store
from tests.work_of import work_of

if TYPE_CHECKING:
    from tests.conftest import MakeOnce

zh = translator("zh")
BEIJING, SUZHOU, WAVE, RELEASED = "110000", "320500", "main-2026", "main-2024"
LATE = timedelta(days=40)
PEOPLE = {
    "lisi": (Role.SUPERVISOR, BEIJING),
    "wangfang": (Role.ADMINISTRATOR, NATION),
    "sunli": (Role.CITY_OFFICIAL, SUZHOU),
    "zhoujie": (Role.PROVINCE_OFFICIAL, "32"),
    "wuqian": (Role.ANALYST, NATION),
    "zhaomin": (Role.NATIONAL_OFFICIAL, NATION),
    "fengtao": (Role.NATIONAL_OFFICIAL, NATION),
    "zhangsan": (Role.SURVEYOR, BEIJING),
    "zhengli": (Role.TYPIST, BEIJING),
}
Enter = Callable[[str], Page]


@pytest.fixture(scope="module")
def server(make_once: "MakeOnce", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two released waves and an open one, with something for each role to do."""

    def fill(folder: Path) -> None:
        settings = Settings(data_dir=folder, database_url="", demo=True)
        synthetic_store(settings, plans=PLANS[:2], measures_a_topic=1)

    folder = tmp_path_factory.mktemp("waiting") / "data"
    shutil.copytree(make_once("two-synthetic-waves", fill), folder)
    settings = Settings(data_dir=folder, database_url="", demo=True)
    with session_scope(settings.store_url) as session:
        people = {
            login: Account(login=login, name=login, role=role, area=area)
            for login, (role, area) in PEOPLE.items()
        }
        session.add_all(people.values())
        session.flush()
        _bring_interviews(session, principal_of(people["zhangsan"]))
        official = principal_of(people["zhaomin"])
        _let_a_problem_be_overdue(session)
        _let_a_delivery_be_overdue(session)
    _send_results_to_makers(settings.store_url, official)
    dispose_engines()
    started = Server(folder)
    started.start()
    yield started
    started.stop()


def _bring_interviews(session: Session, surveyor: Principal) -> None:
    """Three interviews of Beijing wait for review, and one came too late."""
    instrument = load_bundle(PROJECT_ROOT / "seed" / "instruments", "main-2023").instrument
    point = open_wave_at_point(session, WAVE, instrument, surveyor.account_id)
    answers = build_complete_answers(instrument)
    rows = [
        FinishedResponse(
            client_uuid=uuid4(),
            city_code=BEIJING,
            mode=Mode.ASSISTED,
            status=Status.SUBMITTED,
            submitted_at=now(),
            started_at=now() - timedelta(minutes=9),
            duration_seconds=540.0,
            answers=answers,
            point_id=point.id,
            surveyor_id=surveyor.account_id,
        )
        for _ in range(3)
    ]
    wave = get_wave(session=session, key=WAVE)
    write_responses(work_of(session, OPERATOR, now()), wave=wave, rows=rows)
    link = issue_invitation(work_of(session, surveyor, now()), wave_key=WAVE, point_id=point.id)
    invitation = session.exec(select(Invitation)).one()
    invitation.issued_at, invitation.expires_at = now() - LATE, now() - LATE
    session.add(invitation)
    session.flush()
    late = Submission(
        client_uuid=uuid4(),
        instrument_sha256=instrument.sha256,
        token=link.token,
        started_at=now() - timedelta(minutes=6),
        finished_at=now(),
        answers=dict(answers),
    )
    receipt = submit_or_park(session=session, submission=late, principal=None, now=now())
    assert isinstance(receipt, ParkingReceipt)


def _let_a_problem_be_overdue(session: Session) -> None:
    wave = session.exec(select(Wave).where(Wave.key == RELEASED)).one()
    session.add(
        Problem(
            wave_id=wave.id,
            city_code=SUZHOU,
            indicator="1.1.1",
            respondent_group=EVERYONE,
            basis=ProblemBasis.CHOSEN,
            wording="商品种类",
            unit="商务局",
            state=ProblemState.IN_PROGRESS,
            deadline=china_date(now()) - timedelta(days=3),
        )
    )


def _last_months() -> list[str]:
    """The newest month that is overdue today, after the one before it."""
    day = china_date(now()) - timedelta(days=15)
    newest = day.replace(day=1) - timedelta(days=1)
    return [f"{newest.replace(day=1) - timedelta(days=1):%Y-%m}", f"{newest:%Y-%m}"]


def _let_a_delivery_be_overdue(session: Session) -> None:
    """The counts of the month before the last one are there."""
    before, _ = _last_months()
    check, said = (
        check_file(count_file(*rows_of(before, BEIJING, (30,)))),
        head(day=china_date(now())),
    )
    import_delivery(work_of(session, OPERATOR, now()), check=check, head=said)


def _send_results_to_makers(store: str, official: Principal) -> None:
    # Of the third a value was not decidable.
    values = [
        small_test.value("S03", each.characteristic, "0.30")
        if (each.sample, each.characteristic) == ("S03", "leakage")
        else each
        for each in small_test.first_values()
    ]
    test = small_test.start(store, official, ComparativeTestState.RESULTS_IN, values)
    due_on = (test.now + timedelta(10)).date()
    test.change(send_results_to_makers, official, due_on=due_on)


@pytest.fixture
def enter(browser: Browser, server: Server) -> Iterator[Enter]:
    """`enter(login)`: the start page of somebody who has just signed in."""
    contexts: list[BrowserContext] = []

    def sign_in(login: str) -> Page:
        context = browser.new_context(viewport={"width": 1440, "height": 1000}, locale="zh-CN")
        context.set_default_timeout(60_000)
        contexts.append(context)
        settings = Settings(data_dir=server.data_dir, database_url="", demo=True)
        sign_in_staff(context, settings, server.url, login, *PEOPLE[login])
        page = context.new_page()
        _go_home(page, server)
        return page

    yield sign_in
    for context in contexts:
        context.close()


def _go_home(page: Page, server: Server) -> None:
    page.goto(server.url)
    wait_until_idle(page)


def _follow(page: Page, what: str) -> None:
    page.get_by_role("link", name=re.compile(f"^{what}：1 ?|^{what}：")).first.click()
    wait_until_idle(page)


def _has_nothing_left(page: Page, server: Server) -> None:
    _go_home(page, server)
    expect(page.get_by_text(zh("Nothing waits for you."))).to_be_visible()


def _press(page: Page, name: str) -> None:
    page.get_by_role("button", name=zh(name), exact=True).last.click()
    wait_until_idle(page)


def _approve_everything(page: Page) -> None:
    page.locator(".st-key-review-many button").click()
    page.locator(".st-key-review-many-confirm button").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    wait_until_idle(page)


def test_everything_that_waits_is_done_from_the_start_page_until_nothing_does(
    server: Server, enter: Enter
) -> None:
    supervisor = enter("lisi")
    _follow(supervisor, zh("Late interviews to decide on"))
    supervisor.get_by_role("textbox", name=zh("Reason")).fill("手机没有网络")
    _press(supervisor, "Accept into review")
    _go_home(supervisor, server)
    _follow(supervisor, zh("Interviews to review"))
    _approve_everything(supervisor)
    _has_nothing_left(supervisor, server)

    administrator = enter("wangfang")
    _follow(administrator, zh("Interviews for the second approval"))
    _approve_everything(administrator)
    _go_home(administrator, server)
    _follow(administrator, zh("Accounts whose setup link has expired"))
    # None of them has a password: they came here with a session that was made for them.
    administrator.locator(".st-key-users-links-expired button").click()
    made = zh("{count} links were made; earlier ones do nothing any more.", count=len(PEOPLE))
    expect(administrator.get_by_text(made)).to_be_visible()

    city = enter("sunli")
    _follow(city, zh("Problems {state}", state=zh("overdue")))
    choose_option(city.get_by_role("combobox", name=zh("Problem to open")))
    wait_until_idle(city)
    _press(city, "Give evidence")
    city.get_by_role("textbox", name=zh("What was done")).fill("已在全市公示")
    _press(city, "Give evidence")
    city.keyboard.press("Escape")
    wait_until_idle(city)
    _press(city, "Report as put right")
    _has_nothing_left(city, server)

    province = enter("zhoujie")
    _follow(province, zh("Problems {state}", state=zh("put right, waits for acceptance")))
    choose_option(province.get_by_role("combobox", name=zh("Problem to open")))
    wait_until_idle(province)
    _press(province, "Accept")
    _has_nothing_left(province, server)

    analyst = enter("wuqian")
    _follow(analyst, zh("Comparative test whose makers reply"))
    take_step(analyst, zh("The makers are heard"))
    _has_nothing_left(analyst, server)

    _let_the_nation_finish(server, enter)
    _has_nothing_left(administrator, server)

    surveyor = enter("zhangsan")
    expect(surveyor.get_by_role("link", name=re.compile("Market Street"))).to_be_visible()
    typist = enter("zhengli")
    typist.get_by_role("link", name=zh("Key the next sheet")).click()
    wait_until_idle(typist)
    expect(typist.get_by_role("heading", level=1)).to_be_visible()


def _let_the_nation_finish(server: Server, enter: Enter) -> None:
    """Deliver the month that is overdue, close both months, and sign the comparative test."""
    nation = enter("zhaomin")
    _follow(nation, zh("Months overdue of {kind}", kind=zh("Complaint statistics")))
    _, newest = _last_months()
    overdue = nation.get_by_role("heading", name=zh("Months overdue: {count}", count=1))
    expect(overdue).to_be_visible()
    content = count_file(*rows_of(newest, BEIJING, (31,)))
    upload_file(nation, {"name": "counts.csv", "mimeType": "text/csv", "buffer": content})
    nation.get_by_role("textbox", name=zh("Source")).fill("全国消协智慧315平台")
    _press(nation, "Store this delivery")
    expect(overdue).to_have_count(0)
    _go_home(nation, server)
    _follow(nation, zh("Months of complaints to close"))
    for due in (2, 1):
        title = zh("Close a month: {due} due, {count} open", due=due, count=due)
        # A press while the page is still drawn may meet a button that is replaced.
        wait_until_idle(nation)
        nation.get_by_text(title).click()
        wait_until_idle(nation)
        nation.locator(".st-key-outside-close button").click()
        expect(nation.get_by_text(title)).to_have_count(0)
        wait_until_idle(nation)
    _go_home(nation, server)
    _follow(nation, zh("Comparative test to sign"))
    take_step(nation, zh("Give the first signature"))
    second = enter("fengtao")
    _follow(second, zh("Comparative test to sign"))
    take_step(second, zh("Sign and release now"))
    _has_nothing_left(nation, server)
    _has_nothing_left(second, server)
