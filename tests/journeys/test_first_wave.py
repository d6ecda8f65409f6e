"""First waves from an empty store, in the browser alone, with every press of theirs counted."""

import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import openpyxl
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, TimeoutError, expect
from sqlmodel import select

from survey.access.accounts import AccountData, create_account
from survey.access.principal import OPERATOR
from survey.access.roles import NATION, Role
from survey.access.sessions import principal_of
from survey.collection.invitations import issue_invitation
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.estimate.tree import COMPOSITE
from survey.frame.quotas import EVERYONE
from survey.kit.navigation import PAGES_BY_KEY, PageKey
from survey.locale import translator
from survey.operations.checklist import ChecklistTask
from survey.release.signing_keys import add_key_to_file, register_key
from survey.results import open_results
from survey.screens.plan.page import TASK_NAMES
from survey.settings import PROJECT_ROOT, Settings
from survey.store.china_time import china_date
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.schema import upgrade
from survey.store.tables import (
    Account,
    AuditEntry,
    Credential,
    Mode,
    Publication,
    Response,
    SamplingPoint,
    Status,
    now,
)
from survey.waves.instruments import load_reference_data
from survey.waves.waves import get_wave
from tests.journeys.app_page import choose_option, upload_file, wait_until_idle
from tests.journeys.counted import Counted, require_at_most
from tests.journeys.staff import choose_password, confirm_second_factor, sign_in_staff
from tests.server_process import Respondent, Server
from tests.work_of import work_of

if TYPE_CHECKING:
    from tests.conftest import MakeOnce

zh = translator("zh")
TITLE = "二〇二七年试点"
KEY = f"main-{china_date(now()).year}"
"""Called by series and year, for nobody gave it a short name."""
CITIES = {"110000": "北京", "120000": "天津", "130100": "石家庄"}
SHANGHAI = "310000"
A_CITY, TRIES = 40, 12
INTERVIEWS = A_CITY * len(CITIES)
SLOW = 60_000
PASSWORD = "quiet rivers carry lanterns home"
LABEL = "label::中文 (zh)"
ENDS = ("low_label::中文 (zh)", "high_label::中文 (zh)")
SURVEY = (
    ("type", "name", LABEL, "parameters", "required", "privacy", "relevant", "ends", *ENDS),
    ("begin_group", "welcome", "参加调查"),
    ("select_one yes_no", "consent", "您愿意参加这次调查吗？", "", "yes", "consent"),
    ("end_group",),
    ("begin_group", "declined", "谢谢您", "", "", "", "selected(${consent}, 'no')", "refused"),
    ("note", "goodbye", "祝您生活愉快！"),
    ("end_group",),
    ("begin_group", "ratings", "您的感受"),
    *(
        ("range", name, text, "start=1 end=10 step=1", "yes", "", "", "", "非常不满意", "非常满意")
        for name, text in (
            ("goods", "您对本市商品质量是否满意？"),
            ("service", "您对本市服务质量是否满意？"),
            ("redress", "您对本市投诉处理是否满意？"),
        )
    ),
    ("end_group",),
)
CHOICES = (("list_name", "name", LABEL), ("yes_no", "yes", "愿意"), ("yes_no", "no", "不愿意"))
SETTINGS = (("form_title", "form_id", "version"), ("三市试点问卷", "pilot", "1"))
SitDown = Callable[..., BrowserContext]


@pytest.fixture
def server(make_once: "MakeOnce", tmp_path: Path) -> Iterator[Server]:
    """What `survey init` leaves: cities, questionnaires, an administrator, a key to sign with."""

    def fill(folder: Path) -> None:
        store = Settings(data_dir=folder, database_url="").store_url
        upgrade(store)
        load_reference_data(store, PROJECT_ROOT / "seed")
        dispose_engines()

    folder, key_file = tmp_path / "data", tmp_path / "release.key"
    shutil.copytree(make_once("reference-data", fill), folder)
    settings = Settings(data_dir=folder, database_url="")
    with session_scope(settings.store_url) as session:
        work = work_of(session, OPERATOR, now())
        register_key(work, public_key=add_key_to_file(key_file).public_bytes)
        entry = AccountData("王芳", Role.ADMINISTRATOR, NATION)
        create_account(work, login="wangfang", entry=entry)
        account = session.exec(select(Account).where(Account.login == "wangfang")).one()
        session.add(Credential(account_id=account.id, password_hash="chosen", must_change=False))
    started = Server(folder, SURVEY_RELEASE_KEY_FILE=str(key_file))
    started.start()
    yield started
    started.stop()


def _store(server: Server) -> str:
    return Settings(data_dir=server.data_dir, database_url="").store_url


@pytest.fixture
def computer(browser: Browser, server: Server) -> Iterator[SitDown]:
    """`computer()`: one for another person; `computer(login, role, area)`: who is signed in."""
    contexts: list[BrowserContext] = []

    def sit_down(
        login: str = "", role: Role = Role.ADMINISTRATOR, area: str = NATION
    ) -> BrowserContext:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
        contexts.append(context)
        context.set_default_timeout(SLOW)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
        if login:
            settings = Settings(data_dir=server.data_dir, database_url="")
            sign_in_staff(context, settings, server.url, login, role, area)
        return context

    yield sit_down
    for context in contexts:
        context.close()


@pytest.fixture
def count() -> Counter[str]:
    return Counter()


@pytest.fixture
def desk(computer: SitDown, server: Server, count: Counter[str]) -> Counted:
    """The computer of the administrator, who has just signed in for the first time."""
    person = Counted(computer("wangfang"), count, server.url)
    person.start()
    return person


def test_the_shipped_questionnaire_in_one_city_is_open_within_fourteen_presses(
    server: Server, desk: Counted, count: Counter[str]
) -> None:
    _create_accounts(desk, ["北京"])
    _make_wave(desk, "main-2023")
    _save_sample(desk, ["北京"])
    _draw_points(desk, ["北京"])
    _assign_and_open(desk)
    with desk.not_counted():
        require_at_most(count, click=14, field=15, file=0)
    desk.press(desk.page.get_by_role("tab", name=zh("Sample and quotas")))
    _raise_a_quota(desk.page, _store(server))


def test_an_own_questionnaire_in_three_cities_is_released_by_two_people(
    server: Server,
    desk: Counted,
    computer: SitDown,
    respondent: Respondent,
    count: Counter[str],
    tmp_path: Path,
) -> None:
    cities = list(CITIES.values())
    _create_accounts(desk, cities)
    _upload_questionnaire(desk, tmp_path / "pilot.xlsx")
    _make_wave(desk, "pilot")
    _save_sample(desk, cities)
    _draw_points(desk, cities)
    _assign_and_open(desk)
    _go_home(desk)
    expect(desk.page.locator(".hcs-checklist li")).to_have_count(12)
    expect(desk.page.locator(".hcs-checklist li.done")).to_have_count(8)
    _collect(server, respondent)
    # Another day.
    desk.start()

    _go_on(desk, ChecklistTask.REVIEW)
    _approve(server, desk, Status.CITY_APPROVED)
    second = _make_second_administrator(server, desk, computer, count)
    _follow(second, "Interviews for the second approval")
    _approve(server, second, Status.APPROVED)
    _go_home(desk)
    _go_on(desk, ChecklistTask.CLOSING)
    _take_the_step(desk, "closed")
    _go_home(desk)
    _go_on(desk, ChecklistTask.FREEZING)
    desk.press(desk.page.locator(".st-key-plan-preview button"))
    expect(desk.page.get_by_text(f"3 个城市共 {INTERVIEWS} 份：3 个城市会显示")).to_be_visible()
    _take_the_step(desk, "frozen", typed=KEY)
    _go_home(second)
    _follow(second, "Freeze to confirm")
    _take_the_step(second, "frozen", typed=KEY)
    expect(second.page.get_by_text(zh("The wave is frozen for good."))).to_be_visible()
    _go_home(desk)
    _go_on(desk, ChecklistTask.RELEASE)
    _release(server, desk, second)
    with desk.not_counted(), second.not_counted():
        require_at_most(count, click=60, field=15, file=2)
        for person in (desk, second):
            person.start()
            expect(person.page.get_by_text(zh("Nothing waits for you."))).to_be_visible()

    reader = computer("qianjun", Role.CITY_OFFICIAL, SHANGHAI).new_page()
    _open(reader, f"{server.url}/overview?wave={KEY}")
    expect(reader.locator(".hcs-answer .number").first).to_have_text(_score(server))
    _open(reader, f"{server.url}/city?wave={KEY}&city=130100")
    expect(reader.get_by_role("heading", name="石家庄", exact=True)).to_be_visible()


def _open(page: Page, address: str) -> None:
    page.goto(address)
    wait_until_idle(page)


def _go_on(person: Counted, task: ChecklistTask) -> None:
    """Press the task that the checklist says is next."""
    current = person.page.locator(".hcs-checklist [aria-current=step]")
    expect(current).to_contain_text(zh(TASK_NAMES[task]), timeout=SLOW)
    person.press(current.get_by_role("link"))


def _follow(person: Counted, what: str) -> None:
    """Press what waits, on the start page."""
    person.press(person.page.get_by_role("link", name=re.compile(zh(what))))


def _go_by_menu(person: Counted, key: PageKey) -> None:
    name = zh(PAGES_BY_KEY[key].title)
    person.press(person.page.get_by_test_id("stSidebarNav").get_by_text(name, exact=True))
    expect(person.page.get_by_role("heading", level=1)).to_be_visible()


def _go_home(person: Counted) -> None:
    _go_by_menu(person, PageKey.HOME)


def _create_accounts(desk: Counted, cities: list[str]) -> None:
    _go_on(desk, ChecklistTask.ACCOUNTS)
    people = [
        f"{name}{number}\t{login}{number}\t{name}\t{city}"
        for number, city in enumerate(cities)
        for name, login in (("访问员", "field"), ("督导", "lead"))
    ]
    label = zh("Cells copied from a spreadsheet, or one line a person")
    desk.paste(desk.page.get_by_role("textbox", name=label), "\n".join(people))
    desk.press(desk.page.locator(".st-key-users-batch-create button"))
    created = zh("{count} accounts are created.", count=len(people))
    expect(desk.page.get_by_text(created)).to_be_visible()


def _upload_questionnaire(desk: Counted, file: Path) -> None:
    book = openpyxl.Workbook()
    for name, rows in (("survey", SURVEY), ("choices", CHOICES), ("settings", SETTINGS)):
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(file)
    _go_by_menu(desk, PageKey.QUESTIONNAIRES)
    choose_option(
        desk.page.get_by_role("combobox", name=zh("Questionnaire")), zh("Upload a questionnaire …")
    )
    upload_file(desk.page, file)
    desk.press(desk.page.get_by_text(zh("A score: every rating counts the same")))
    desk.press(desk.page.locator(".st-key-questionnaires-store button"))
    stored = zh("{name}, version {version}, is stored.", name="pilot", version="1")
    expect(desk.page.get_by_text(stored)).to_be_visible()


def _make_wave(desk: Counted, questionnaire: str) -> None:
    page = desk.page
    _go_by_menu(desk, PageKey.PLAN)
    page.get_by_role("textbox", name=zh("Title (Chinese)")).fill(TITLE)
    box = page.get_by_role("combobox", name=zh("Questionnaire"))
    choose_option(box, questionnaire)
    for name, day in ((zh("First day"), "20270301"), (zh("Last day"), "20270331")):
        field = page.get_by_test_id("stDateInput").filter(has_text=name)
        field.get_by_role("spinbutton").first.click()
        page.keyboard.type(day)
    desk.press(page.locator(".st-key-plan-save-wave button"))
    wave = f"{TITLE} ({KEY})"
    expect(page.get_by_text(zh("The wave {wave} is saved.", wave=wave))).to_be_visible()


def _save_sample(desk: Counted, cities: list[str]) -> None:
    page = desk.page
    for city in cities:
        choose_option(page.get_by_role("combobox", name=zh("Single cities")), city)
    expect(page.locator(".hcs-answer .number")).to_have_text(f"{620 * len(cities):,}")
    desk.press(page.locator(".st-key-plan-save-sample button"))
    saved = zh("The plan is saved: city targets and quotas are set.")
    expect(page.get_by_text(saved)).to_be_visible()


def _draw_points(desk: Counted, cities: list[str]) -> None:
    page = desk.page
    desk.press(page.get_by_role("tab", name=zh("Sampling points")))
    points = [
        f"{city},p{number}{stratum},商场{number},商场,{stratum}"
        for number, city in enumerate(cities)
        for stratum in ("城镇", "乡村")
    ]
    label = zh("Cells copied from a spreadsheet, or one line a point")
    desk.paste(page.get_by_role("textbox", name=label), "\n".join(points))
    desk.press(page.locator(".st-key-points-draw button"))
    expect(page.get_by_text(zh("The points are drawn and stored."))).to_be_visible()


def _assign_and_open(desk: Counted) -> None:
    page = desk.page
    desk.press(page.get_by_role("tab", name=zh("People")))
    desk.press(page.locator(".st-key-staff-assign-evenly button"))
    expect(page.get_by_text(zh("The people are assigned."))).to_be_visible()
    _take_the_step(desk, "open")
    expect(page.get_by_text(zh("The wave is open: interviews can be collected."))).to_be_visible()


def _take_the_step(person: Counted, state: str, *, typed: str = "") -> None:
    """Open the dialog of a step of the wave and confirm it there."""
    page = person.page
    person.press(page.locator(f".st-key-plan-step-{state} button"))
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"{TITLE} ({KEY})")
    if typed:
        dialog.get_by_role("textbox").fill(typed)
    page.locator(f".st-key-plan-move-{state} button").click()
    expect(dialog).to_have_count(0)


def _release(server: Server, desk: Counted, second: Counted) -> None:
    """At the register: announced, signed by two, and published."""
    page = desk.page
    expect(page).to_have_url(re.compile(f"/releases.*announce={KEY}"))
    title = page.get_by_role("textbox", name=zh("Chinese title"))
    expect(title).to_have_value(f"{TITLE}结果")
    page.get_by_role("textbox", name=zh("Contact")).fill("新闻处 12315")
    desk.press(page.get_by_role("button", name=zh("Announce"), exact=True))
    expect(page.get_by_text(zh("The release is announced. Next it is signed."))).to_be_visible()
    release = f"{KEY}-1"
    _let_the_day_come(server, release)
    for person in (desk, second):
        _go_home(person)
        _follow(person, "Release to sign")
        person.press(person.page.locator(f".st-key-releases-sign-{release} button"))
        expect(person.page.get_by_text("您已签署").first).to_be_visible()
    second.press(second.page.get_by_role("button", name=zh("Publish"), exact=True).first)
    field = second.page.get_by_label(zh("Type {release} to confirm", release=release))
    field.fill(release)
    field.press("Tab")
    wait_until_idle(second.page)
    second.press(second.page.locator(f".st-key-releases-publish-{release} button"))
    published = zh("{release} is published.", release=release)
    expect(second.page.get_by_text(published)).to_be_visible()


def _let_the_day_come(server: Server, key: str) -> None:
    """Move the announced minute to the one in which it was announced."""
    with session_scope(_store(server)) as session:
        release = session.exec(select(Publication).where(Publication.key == key)).one()
        release.embargo_until = release.planned_at + timedelta(seconds=1)
        session.add(release)


def _collect(server: Server, respondent: Respondent) -> None:
    """One person answers on a phone; the others are put in at once, as a browser takes long."""
    with session_scope(_store(server)) as session:
        wave = get_wave(session=session, key=KEY)
        points = session.exec(select(SamplingPoint).where(SamplingPoint.wave_id == wave.id)).all()
        of_city = {point.city_code: point for point in points}
        accounts = session.exec(select(Account).where(Account.role == Role.SURVEYOR)).all()
        surveyors = {account.area: account for account in accounts}
        link = issue_invitation(
            work_of(session, principal_of(surveyors["110000"]), now()),
            wave_key=KEY,
            point_id=of_city["110000"].id,
        )
        rows = [
            FinishedResponse(
                client_uuid=uuid4(),
                city_code=city,
                mode=Mode.ASSISTED,
                status=Status.SUBMITTED,
                submitted_at=now(),
                started_at=now() - timedelta(minutes=4),
                duration_seconds=240.0,
                answers={
                    "consent": "yes",
                    "goods": 6 + number % 5,
                    "service": 4 + number % 6,
                    "redress": 3 + number % 7,
                },
                point_id=of_city[city].id,
                surveyor_id=surveyors[city].id,
            )
            for city in CITIES
            for number in range(A_CITY - (city == "110000"))
        ]
        write_responses(work_of(session, OPERATOR, now()), wave=wave, rows=rows)
    respondent.open(f"{server.url}/q/{link.token}")
    respondent.finish({"consent": "yes"})
    expect(respondent.page.locator(".sf-heading")).to_have_text(zh("Received. Thank you!"))


def _approve(server: Server, person: Counted, to: Status) -> None:
    """Approve all interviews that wait for this person."""
    person.press(person.page.locator(".st-key-review-many button"))
    dialog = person.page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"{INTERVIEWS}")
    person.page.locator(".st-key-review-many-confirm button").click()
    expect(dialog).to_have_count(0)
    with read_scope(_store(server)) as session:
        states = session.exec(select(Response.status)).all()
    assert [*states] == [to] * INTERVIEWS


def _make_second_administrator(
    server: Server, desk: Counted, computer: SitDown, count: Counter[str]
) -> Counted:
    """Give a second person an account, as whoever may create accounts is created alone."""
    page = desk.page
    _go_by_menu(desk, PageKey.USERS)
    desk.press(page.get_by_text(zh("New account"), exact=True))
    page.get_by_role("textbox", name=re.compile(f"^{zh('Login')}")).fill("zhaomin")
    page.get_by_role("textbox", name=zh("Full name")).fill("赵敏")
    choose_option(page.get_by_role("combobox", name=zh("Role")), zh("Administrator"))
    desk.press(page.locator(".st-key-users-create button"))
    created = zh("The account {login} is created.", login="zhaomin")
    expect(page.get_by_text(created)).to_be_visible()
    link = page.locator("[data-testid=stCode]").inner_text().strip()
    second = Counted(computer(), count, server.url)
    second.visit(link.removeprefix(server.url))
    choose_password(second.page, PASSWORD)
    with second.not_counted():
        confirm_second_factor(second.page, _store(server), "zhaomin")
    wait_until_idle(second.page)
    return second


def _score(server: Server) -> str:
    """The national score of the wave as the results keep it."""
    settings = Settings(data_dir=server.data_dir, database_url="")
    with read_scope(settings.store_url) as session:
        cells = open_results(settings, session, KEY).cells(
            OPERATOR, area_level="nation", group=EVERYONE, indicator=COMPOSITE
        )
    return f"{float(cells.iloc[0]['estimate']):.1f}"


def _raise_a_quota(desk: Page, store: str) -> None:
    """Type another target into the table and save it."""
    expect(desk.locator(".st-key-quota-save button")).to_be_visible()
    wait_until_idle(desk)
    table = desk.locator("[data-testid=stDataFrame]").first
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box is not None
    editor = desk.locator("[id^=gdg-overlay] input")
    for _ in range(TRIES):
        # A table that is drawn anew closes the field of a cell.
        desk.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + 50)
        desk.keyboard.press("Enter")
        with suppress(TimeoutError):
            editor.fill("99", timeout=5_000)
            break
    editor.press("Enter")
    desk.locator(".st-key-quota-save button:enabled").click()
    expect(desk.get_by_text(zh("{count} quotas are changed.", count=1))).to_be_visible()
    with read_scope(store) as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "quota.changed")).one()
    assert list(entry.detail["to"].values()) == [99]
