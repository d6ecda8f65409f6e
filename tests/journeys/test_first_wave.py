"""First wave from an empty store to an open wave: no command line and no workbook."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import select

from survey.access.accounts import AccountData, create_account
from survey.access.principal import OPERATOR
from survey.access.roles import NATION, Role
from survey.access.secret_hashes import digest, new_token
from survey.access.sessions import COOKIE
from survey.fieldwork.instruments import load_reference_data
from survey.fieldwork.planning.checklist import ChecklistTask, get_checklist
from survey.locale import translator
from survey.settings import PROJECT_ROOT, Settings
from survey.store.engine import read_scope, session_scope
from survey.store.schema import upgrade
from survey.store.tables import AuditEntry, LoginSession, now
from survey.ui.plan.checklist import TASK_NAMES
from tests.journeys.app_page import wait_until_idle
from tests.server_process import Server

zh = translator("zh")
KEY, TITLE = "pilot-2027", "二〇二七年试点"
SLOW = 60_000
PEOPLE = """张三\tzhangsan\t访问员\t北京
李四\tlisi\t督导\t北京"""
POINTS = """北京,110000-p0,商场0,商场,城镇
北京,110000-p1,商场1,商场,乡村"""


@pytest.fixture
def empty_server(tmp_path: Path) -> Iterator[Server]:
    """What `survey init` leaves: cities, questionnaires, no wave."""
    settings = Settings(data_dir=tmp_path, database_url="")
    upgrade(settings.store_url)
    load_reference_data(settings.store_url, PROJECT_ROOT / "seed")
    server = Server(tmp_path)
    server.start()
    yield server
    server.stop()


def _store(server: Server) -> str:
    return Settings(data_dir=server.data_dir, database_url="").store_url


@pytest.fixture
def desk(browser: Browser, empty_server: Server) -> Iterator[Page]:
    """The computer of the first administrator, whose account came from `survey user create`."""
    secret = new_token(bits=256)
    with session_scope(_store(empty_server)) as session:
        account = create_account(
            session=session,
            principal=OPERATOR,
            login="wangfang",
            now=now(),
            entry=AccountData("王芳", Role.ADMINISTRATOR, NATION),
        )
        session.add(
            LoginSession(
                secret_sha256=digest(secret),
                account_id=account.id,
                expires_at=now() + timedelta(hours=1),
            )
        )
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    context.add_cookies([{"name": COOKIE, "value": secret, "url": empty_server.url}])
    context.set_default_timeout(SLOW)
    yield context.new_page()
    context.close()


def _follow(page: Page, task: ChecklistTask) -> None:
    """Click the task that the checklist says is next."""
    current = page.locator(".hcs-checklist [aria-current=step]")
    expect(current).to_contain_text(zh(TASK_NAMES[task]), timeout=SLOW)
    current.get_by_role("link").click()
    wait_until_idle(page)


def _open(page: Page, address: str) -> None:
    page.goto(address)
    wait_until_idle(page)


def test_first_wave_from_an_empty_store_to_an_open_wave_with_no_command_line(
    empty_server: Server, desk: Page
) -> None:
    home, plan = empty_server.url, f"{empty_server.url}/plan?wave={KEY}"
    _open(desk, home)
    _follow(desk, ChecklistTask.ACCOUNTS)
    label = zh("Cells copied from a spreadsheet, or one line a person")
    desk.get_by_role("textbox", name=label).fill(PEOPLE)
    desk.locator(".st-key-users-batch-check button").click()
    desk.locator(".st-key-users-batch-create button").click()
    expect(desk.get_by_text(zh("{count} accounts are created.", count=2))).to_be_visible()

    _open(desk, home)
    _follow(desk, ChecklistTask.WAVE)
    _make_wave(desk)

    _follow(desk, ChecklistTask.SAMPLE)
    desk.get_by_role("radio", name=zh("Chosen cities")).click()
    single = desk.get_by_role("combobox", name=zh("Single cities"))
    single.fill("北京")
    desk.get_by_role("option", name="北京").click()
    desk.keyboard.press("Escape")
    expect(desk.locator(".hcs-answer .number")).to_have_text("620")
    desk.locator(".st-key-plan-save-sample button").click()
    saved = zh("The plan is saved: city targets and quotas are set.")
    expect(desk.get_by_text(saved)).to_be_visible()
    _raise_a_quota(desk, _store(empty_server))

    _open(desk, plan)
    _follow(desk, ChecklistTask.POINTS)
    points = zh("Cells copied from a spreadsheet, or one line a point")
    desk.get_by_role("textbox", name=points).fill(POINTS)
    desk.locator(".st-key-points-check button").click()
    desk.locator(".st-key-points-draw button").click()
    expect(desk.get_by_text(zh("The points are drawn and stored."))).to_be_visible()

    for number in range(2):
        _open(desk, plan)
        _follow(desk, ChecklistTask.PEOPLE)
        _assign(desk, f"商场{number}", "张三")

    _open(desk, plan)
    _follow(desk, ChecklistTask.OPENING)
    desk.locator(".st-key-plan-step-open button").click()
    desk.locator(".st-key-plan-move-open button").click()
    expect(desk.get_by_text(zh("The wave is open: interviews can be collected."))).to_be_visible()
    _open(desk, home)
    expect(desk.locator(".hcs-checklist li")).to_have_count(7)
    expect(desk.locator(".hcs-checklist li.done")).to_have_count(7)
    with read_scope(_store(empty_server)) as session:
        assert get_checklist(session=session, principal=OPERATOR).is_done


def _make_wave(desk: Page) -> None:
    desk.get_by_role("textbox", name=zh("Short name")).fill(KEY)
    desk.get_by_role("textbox", name=zh("Title (Chinese)")).fill(TITLE)
    desk.get_by_role("textbox", name=zh("Title (English)")).fill("Pilot 2027")
    desk.get_by_role("combobox", name=zh("Questionnaire")).fill("main-2023")
    desk.get_by_role("option").first.click()
    for name, day in ((zh("First day"), "20270301"), (zh("Last day"), "20270331")):
        field = desk.get_by_test_id("stDateInput").filter(has_text=name)
        field.get_by_role("spinbutton").first.click()
        desk.keyboard.type(day)
    desk.locator(".st-key-plan-save-wave button").click()
    wave = f"{TITLE} ({KEY})"
    expect(desk.get_by_text(zh("The wave {wave} is saved.", wave=wave))).to_be_visible()


def _raise_a_quota(desk: Page, store: str) -> None:
    """Type another target into the table and save it."""
    table = desk.locator("[data-testid=stDataFrame]").first
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box is not None
    desk.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + 50)
    desk.keyboard.press("Enter")
    editor = desk.locator("[id^=gdg-overlay] input")
    editor.fill("99")
    editor.press("Enter")
    desk.locator(".st-key-quota-save button:enabled").click()
    expect(desk.get_by_text(zh("{count} quotas are changed.", count=1))).to_be_visible()
    with read_scope(store) as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "quota.changed")).one()
    assert list(entry.detail["to"].values()) == [99]


def _assign(desk: Page, point: str, person: str) -> None:
    chooser = desk.get_by_role("combobox", name=zh("Sampling point"))
    chooser.fill(point)
    desk.get_by_role("option", name=point).click()
    who = desk.get_by_role("combobox", name=zh("Surveyor"))
    who.fill(person)
    desk.get_by_role("option", name=person).click()
    desk.locator(".st-key-staff-assign button:enabled").click()
    code = f"110000-p{point[-1]}"
    expect(
        desk.get_by_text(zh("{name} works at point {code}.", name=person, code=code))
    ).to_be_visible()
