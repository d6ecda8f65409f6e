"""First wave from an empty store to a released result: no command line and no workbook."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

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
from survey.locale import translator
from survey.operations.checklist import ChecklistTask
from survey.release.signing_keys import add_key_to_file, register_key
from survey.results import open_results
from survey.screens.plan.page import TASK_NAMES
from survey.settings import PROJECT_ROOT, Settings
from survey.store.china_time import china_date
from survey.store.engine import read_scope, session_scope
from survey.store.schema import upgrade
from survey.store.tables import (
    Account,
    AuditEntry,
    Mode,
    Publication,
    Response,
    SamplingPoint,
    Status,
    now,
)
from survey.waves.instruments import load_instrument, load_reference_data
from survey.waves.waves import get_wave
from tests.complete_answers import WOMAN_OF_1985, build_complete_answers
from tests.journeys.app_page import choose_option, wait_until_idle
from tests.journeys.staff import sign_in_staff
from tests.server_process import Respondent, Server
from tests.work_of import work_of

zh = translator("zh")
TITLE = "二〇二七年试点"
KEY = f"main-{china_date(now()).year}"
"""Called by series and year, for nobody gave it a short name."""
BEIJING, SHANGHAI = "110000", "310000"
INTERVIEWS, TRIES = 40, 12
CLOSED = "The wave is closed: no interview arrives any more."
SLOW = 60_000
PEOPLE = """张三\tzhangsan\t访问员\t北京
李四\tlisi\t督导\t北京"""
POINTS = """北京,110000-p0,商场0,商场,城镇
北京,110000-p1,商场1,商场,乡村"""
SitDown = Callable[..., Page]


@pytest.fixture
def empty_server(tmp_path: Path) -> Iterator[Server]:
    """What `survey init` leaves: cities, questionnaires, a key to sign with, no wave."""
    key_file = tmp_path / "release.key"
    settings = Settings(data_dir=tmp_path, database_url="")
    upgrade(settings.store_url)
    load_reference_data(settings.store_url, PROJECT_ROOT / "seed")
    with session_scope(settings.store_url) as session:
        key = add_key_to_file(key_file)
        register_key(work_of(session, OPERATOR, now()), public_key=key.public_bytes)
    server = Server(tmp_path, SURVEY_RELEASE_KEY_FILE=str(key_file))
    server.start()
    yield server
    server.stop()


def _store(server: Server) -> str:
    return Settings(data_dir=server.data_dir, database_url="").store_url


@pytest.fixture
def sit_down(browser: Browser, empty_server: Server) -> Iterator[SitDown]:
    """`sit_down(login, role, area)`: somebody at a computer of their own, signed in."""
    contexts: list[BrowserContext] = []

    def at_computer(login: str, role: Role, area: str = NATION) -> Page:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
        contexts.append(context)
        context.set_default_timeout(SLOW)
        settings = Settings(data_dir=empty_server.data_dir, database_url="")
        sign_in_staff(context, settings, empty_server.url, login, role, area)
        return context.new_page()

    yield at_computer
    for context in contexts:
        context.close()


@pytest.fixture
def desk(sit_down: SitDown, empty_server: Server) -> Page:
    """The computer of the first administrator, whose account came from `survey user create`."""
    with session_scope(_store(empty_server)) as session:
        create_account(
            work_of(session, OPERATOR, now()),
            login="wangfang",
            entry=AccountData("王芳", Role.ADMINISTRATOR, NATION),
        )
    return sit_down("wangfang", Role.ADMINISTRATOR)


def _follow(page: Page, task: ChecklistTask) -> None:
    """Click the task that the checklist says is next."""
    current = page.locator(".hcs-checklist [aria-current=step]")
    expect(current).to_contain_text(zh(TASK_NAMES[task]), timeout=SLOW)
    current.get_by_role("link").click()
    wait_until_idle(page)


def _open(page: Page, address: str) -> None:
    page.goto(address)
    wait_until_idle(page)


def test_first_wave_from_an_empty_store_to_a_released_result_with_no_command_line(
    empty_server: Server, desk: Page, sit_down: SitDown, respondent: Respondent
) -> None:
    _prepare_the_wave(empty_server, desk)
    _collect(empty_server, respondent)
    _open(desk, f"{empty_server.url}/plan?wave={KEY}")
    _take_the_step(desk, "closed")
    expect(desk.get_by_text(zh(CLOSED))).to_be_visible()
    _approve(empty_server, sit_down("lisi", Role.SUPERVISOR, BEIJING), Status.CITY_APPROVED)
    _approve(empty_server, desk, Status.APPROVED)
    second = _make_second_administrator(empty_server, desk, sit_down)

    _open(desk, f"{empty_server.url}/plan?wave={KEY}&part=freeze")
    desk.locator(".st-key-plan-preview button").click()
    expect(desk.get_by_text(zh("The preview is ready. Nothing was stored."))).to_be_visible()
    expect(desk.get_by_text(f"1 个城市共 {INTERVIEWS} 份：1 个城市会显示")).to_be_visible()
    _let_two_people(desk, second, "frozen")
    expect(second.get_by_text(zh("The wave is frozen for good."))).to_be_visible()
    _release(empty_server, desk, second)

    reader = sit_down("qianjun", Role.CITY_OFFICIAL, SHANGHAI)
    _open(reader, f"{empty_server.url}/overview?wave={KEY}")
    expect(reader.locator(".hcs-answer .number").first).to_have_text(_score(empty_server))
    _open(reader, f"{empty_server.url}/city?wave={KEY}&city={BEIJING}")
    expect(reader.get_by_role("heading", name="北京", exact=True)).to_be_visible()


def _prepare_the_wave(empty_server: Server, desk: Page) -> None:
    """Follow the checklist from the first account to the open wave."""
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

    _open(desk, plan)
    _follow(desk, ChecklistTask.PEOPLE)
    desk.locator(".st-key-staff-assign-evenly button").click()
    expect(desk.get_by_text(zh("The people are assigned."))).to_be_visible()

    _open(desk, plan)
    _follow(desk, ChecklistTask.OPENING)
    _take_the_step(desk, "open")
    expect(desk.get_by_text(zh("The wave is open: interviews can be collected."))).to_be_visible()
    _open(desk, home)
    expect(desk.locator(".hcs-checklist li")).to_have_count(12)
    expect(desk.locator(".hcs-checklist li.done")).to_have_count(8)
    current = desk.locator(".hcs-checklist [aria-current=step]")
    expect(current).to_contain_text(zh(TASK_NAMES[ChecklistTask.REVIEW]))


def _take_the_step(page: Page, state: str, *, typed: str = "") -> None:
    """Open the dialog of a step of the wave and confirm it there."""
    page.locator(f".st-key-plan-step-{state} button").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"{TITLE} ({KEY})")
    if typed:
        dialog.get_by_role("textbox").fill(typed)
    page.locator(f".st-key-plan-move-{state} button").click()
    expect(dialog).to_have_count(0)


def _let_two_people(first: Page, second: Page, state: str) -> None:
    """Request what cannot be undone at one computer and confirm it at another."""
    _take_the_step(first, state, typed=KEY)
    expect(
        first.get_by_text(zh("You requested this yourself. Another person confirms it."))
    ).to_be_visible()
    _open(second, first.url)
    _take_the_step(second, state, typed=KEY)


def _release(server: Server, desk: Page, second: Page) -> None:
    """From the frozen wave to the register, where it is announced, signed by two, and published."""
    _open(desk, f"{server.url}/plan?wave={KEY}")
    desk.locator(".st-key-plan-step-released button").click()
    expect(desk).to_have_url(re.compile(f"/releases.*announce={KEY}"))
    title = desk.get_by_role("textbox", name=zh("Chinese title"))
    expect(title).to_have_value(f"{TITLE}结果")
    desk.get_by_role("textbox", name=zh("Contact")).fill("新闻处 12315")
    desk.get_by_role("button", name=zh("Announce"), exact=True).click()
    expect(desk.get_by_text(zh("The release is announced. Next it is signed."))).to_be_visible()
    release = f"{KEY}-1"
    _let_the_day_come(server, release)
    for page in (desk, second):
        _open(page, server.url)
        page.get_by_role("link", name=re.compile(zh("Release to sign"))).click()
        page.locator(f".st-key-releases-sign-{release} button").click()
        expect(page.get_by_text("您已签署").first).to_be_visible()
    _open(second, server.url)
    second.get_by_role("link", name=re.compile(zh("Release to publish"))).click()
    second.get_by_role("button", name=zh("Publish"), exact=True).first.click()
    field = second.get_by_label(zh("Type {release} to confirm", release=release))
    field.fill(release)
    field.press("Tab")
    wait_until_idle(second)
    second.locator(f".st-key-releases-publish-{release} button").click()
    expect(second.get_by_text(zh("{release} is published.", release=release))).to_be_visible()


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
        instrument = load_instrument(session=session, instrument_id=wave.instrument_id)
        surveyor = session.exec(select(Account).where(Account.login == "zhangsan")).one()
        point, *_ = session.exec(select(SamplingPoint).where(SamplingPoint.wave_id == wave.id))
        link = issue_invitation(
            work_of(session, principal_of(surveyor), now()), wave_key=KEY, point_id=point.id
        )
        rows = [
            FinishedResponse(
                client_uuid=uuid4(),
                city_code=BEIJING,
                mode=Mode.ASSISTED,
                status=Status.SUBMITTED,
                submitted_at=now(),
                started_at=now() - timedelta(minutes=9),
                duration_seconds=540.0,
                answers=build_complete_answers(
                    instrument,
                    rating=6 + number % 4,
                    gender=("male", "female")[number % 2],
                    birth_year=1960 + number,
                ),
                point_id=point.id,
                surveyor_id=surveyor.id,
            )
            for number in range(INTERVIEWS - 1)
        ]
        write_responses(work_of(session, OPERATOR, now()), wave=wave, rows=rows)
    respondent.open(f"{server.url}/q/{link.token}")
    respondent.finish(WOMAN_OF_1985)
    expect(respondent.page.locator(".sf-heading")).to_have_text(zh("Received. Thank you!"))


def _approve(server: Server, page: Page, to: Status) -> None:
    """Approve all interviews that wait for this person."""
    _open(page, f"{server.url}/review?wave={KEY}")
    page.locator(".st-key-review-many button").click()
    dialog = page.get_by_role("dialog")
    if to is Status.APPROVED:
        choose_option(dialog.get_by_role("combobox"), zh("Approve for good"))
    expect(dialog).to_contain_text(f"{INTERVIEWS}")
    page.locator(".st-key-review-many-confirm button").click()
    expect(dialog).to_have_count(0)
    with read_scope(_store(server)) as session:
        states = session.exec(select(Response.status)).all()
    assert [*states] == [to] * INTERVIEWS


def _make_second_administrator(server: Server, desk: Page, sit_down: SitDown) -> Page:
    """Give a second person an account, as whoever may create accounts is created alone."""
    _open(desk, f"{server.url}/users?view=new")
    desk.get_by_role("textbox", name=re.compile(f"^{zh('Login')}")).fill("zhaomin")
    desk.get_by_role("textbox", name=zh("Full name")).fill("赵敏")
    choose_option(desk.get_by_role("combobox", name=zh("Role")), zh("Administrator"))
    desk.locator(".st-key-users-create button").click()
    created = zh("The account {login} is created.", login="zhaomin")
    expect(desk.get_by_text(created)).to_be_visible()
    return sit_down("zhaomin", Role.ADMINISTRATOR)


def _score(server: Server) -> str:
    """The national score of the wave as the results keep it."""
    settings = Settings(data_dir=server.data_dir, database_url="")
    with read_scope(settings.store_url) as session:
        cells = open_results(settings, session, KEY).cells(
            OPERATOR, area_level="nation", group=EVERYONE, indicator=COMPOSITE
        )
    return f"{float(cells.iloc[0]['estimate']):.1f}"


def _make_wave(desk: Page) -> None:
    desk.get_by_role("textbox", name=zh("Title (Chinese)")).fill(TITLE)
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
